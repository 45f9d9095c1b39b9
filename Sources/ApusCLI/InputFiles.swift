import Glibc
import Savefile

/// The capture files that are to be read: opened together, before anything of them is read and while the process may still open them, and
/// taken one by one.
final class InputFiles {
  /// What came of opening a file.
  private enum Opened {
    case file(InputFile)
    case failure(SavefileError)

    func get() throws(SavefileError) -> InputFile {
      switch self {
      case .file(let file): return file
      case .failure(let error): throw error
      }
    }
  }

  /// What came of opening each that has not been taken, in the order of the arguments, which is that in which they are taken.
  private var opened: ArraySlice<(path: String, result: Opened)> = []
  /// Those that are opened in their turn, as the user that the process is then: more than are open at once.
  private(set) var deferred: [String] = []

  /// Regular files that were taken, to be read a second time; the first of them, where that is wanted.
  private(set) var copies: [InputFile] = []
  /// The names of those.
  private var copied: Set<String> = []
  /// Copies are kept of the files that are taken.
  var keepsCopies = false

  /// Files of which copies are kept.
  private static let maximumCopies = 64
  /// How many files are open at once.
  private static let maximumOpen = 4096
  /// Descriptors for everything else.
  private static let reserve = 256

  /// Opens the files, a FIFO without waiting for its writer. What cannot be opened is an error in its turn.
  func open(_ paths: [String], follows: Bool) {
    raiseLimit(paths.count)
    // One FIFO that is named twice has another writer each time.
    var pipes: Set<String> = []
    var count = 0
    for (index, path) in paths.enumerated() {
      guard count < Self.maximumOpen else {
        deferred += paths[index...]
        return
      }
      guard !pipes.contains(path) else {
        deferred.append(path)
        continue
      }
      do throws(SavefileError) {
        let file = try InputFile(path: path, follows: follows)
        if !file.isRegular { pipes.insert(path) }
        opened.append((path, .file(file)))
        count += 1
      } catch {
        if error.kind == .system(EMFILE) || error.kind == .system(ENFILE) {
          deferred += paths[index...]
          return
        }
        opened.append((path, .failure(error)))
      }
    }
  }

  /// The file of that name, which is the caller's from now on. Throws where it could not be opened.
  func take(_ path: String) throws(SavefileError) -> InputFile {
    let file: InputFile
    if let place = opened.firstIndex(where: { $0.path == path }) {
      // The first of a slice is taken without moving the others.
      file = try (place == opened.startIndex ? opened.removeFirst() : opened.remove(at: place)).result.get()
    } else {
      file = try InputFile(path: path)
    }
    if keepsCopies, copies.count < Self.maximumCopies, let copy = file.copy() {
      copies.append(copy)
      copied.insert(path)
    }
    return file
  }

  /// True where the file of that name was taken and can be read a second time.
  func hasCopy(of path: String) -> Bool { copied.contains(path) }

  /// The same file, which stays here to be taken; nil where there is none.
  func look(at path: String) -> InputFile? {
    if let first = opened.first(where: { $0.path == path }) { return try? first.result.get() }
    return try? InputFile(path: path)
  }

  /// Why the file of that name could not be opened; nil where it could be, or is opened in its turn.
  func failure(of path: String) -> SavefileError? {
    guard case .failure(let error)? = opened.first(where: { $0.path == path })?.result else { return nil }
    return error
  }

  /// The first name that leads to the same regular file as `path`, which writing would destroy before it is read.
  func first(sameAs path: String, among paths: [String]) -> String? {
    var other = stat()
    guard unsafe stat(path, &other) == 0, other.st_mode & S_IFMT == S_IFREG else { return nil }
    return paths.first { look(at: $0)?.isSame(as: path) ?? false }
  }

  /// Lets as many files be open as the system allows, where more are wanted than common.
  private func raiseLimit(_ count: Int) {
    var limit = rlimit()
    let wanted = rlim_t(min(count, Self.maximumOpen) + Self.reserve)
    let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    guard unsafe getrlimit(resource, &limit) == 0, limit.rlim_cur < wanted else { return }
    limit.rlim_cur = min(wanted, limit.rlim_max)
    unsafe setrlimit(resource, &limit)
  }
}
