import CLinux
import Glibc
import Synchronization

/// Threads that work on numbered pieces together with the calling thread. Between two rounds of work they sleep.
package final class WorkerPool {
  /// State shared by the threads of a pool.
  private final class Round: @unchecked Sendable {
    /// The next piece that no thread has taken.
    let next = Atomic<Int>(0)
    let count = Atomic<Int>(0)
    let isOver = Atomic<Bool>(false)
    /// Does one piece. It is set while the threads sleep, and passed to each of them with a token.
    var piece: ((Int) -> Void)?
    /// One token for each thread that has nothing left to do.
    let done = TokenPipe()

    func work() {
      while true {
        let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
        guard index < count.load(ordering: .relaxed) else { return }
        piece?(index)
      }
    }
  }

  private final class Member: Worker, @unchecked Sendable {
    let round: Round
    let start = TokenPipe()

    init(_ round: Round) { self.round = round }

    func work() {
      while start.take(interrupt: -1), !round.isOver.load(ordering: .acquiring) {
        round.work()
        round.done.give()
      }
    }
  }

  private let round = Round()
  private var members: [(member: Member, thread: WorkerThread)] = []

  /// Threads that do the work, including the calling one: fewer than requested if the system has no more.
  package var threads: Int { members.count + 1 }

  /// The cores that this process may use.
  package static var usableCores: Int { Int(linux_usable_cores()) }

  /// A pool of that many threads, including the calling one.
  package init(threads: Int) {
    guard round.done.descriptor >= 0 else { return }
    for _ in 0..<max(0, threads - 1) {
      let member = Member(round)
      guard member.start.descriptor >= 0 else { break }
      var thread = WorkerThread()
      thread.start(member)
      guard thread.isRunning else { break }
      members.append((member, thread))
    }
  }

  deinit {
    round.isOver.store(true, ordering: .releasing)
    for (member, _) in members { member.start.give() }
    for (_, var thread) in members { thread.join() }
  }

  /// Does the pieces from 0 to `count`, in any order and several at a time, and returns when all are done. Several threads call `piece`:
  /// data that it writes must belong to its number alone.
  package func forEach(_ count: Int, _ piece: (Int) -> Void) {
    withoutActuallyEscaping(piece) { piece in
      round.next.store(0, ordering: .relaxed)
      round.count.store(count, ordering: .relaxed)
      round.piece = piece
      let helpers = members.prefix(max(0, count - 1))
      for (member, _) in helpers { member.start.give() }
      round.work()
      for _ in helpers where !round.done.take(interrupt: -1) {}
      round.piece = nil
    }
  }
}
