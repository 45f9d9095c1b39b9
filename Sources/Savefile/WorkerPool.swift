import CLinux
import Glibc
import Synchronization

/// Threads that do numbered pieces of work side by side with the thread that hands them out. Between two rounds of work they sleep.
package final class WorkerPool {
  /// What the threads of a pool share.
  private final class Round: @unchecked Sendable {
    /// The next piece that nobody does.
    let next = Atomic<Int>(0)
    let count = Atomic<Int>(0)
    let isOver = Atomic<Bool>(false)
    /// Does one piece. Set while the threads sleep; a token to each of them hands it over.
    var piece: ((Int) -> Void)?
    /// A token for each thread that has nothing left to do.
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

  /// Threads that do the work, the one that hands it out included: fewer than were asked for where the system has no more to give.
  package var threads: Int { members.count + 1 }

  /// The cores that this process may use.
  package static var usableCores: Int { Int(linux_usable_cores()) }

  /// A pool of so many threads, the calling one included.
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

  /// Does the pieces from 0 to `count`, in any order and several at a time, and returns when all are done. `piece` is called by several
  /// threads: what it writes must belong to its number alone.
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
