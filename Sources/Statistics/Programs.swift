import Dissect
import PacketCore

/// The key of a program: all processes with one name, or a process whose name is unknown.
struct ProgramKey: TallyKey {
  let name: ProcessName
  /// 0 if there is a name.
  let process: UInt32

  init(_ owner: ProcessOwner) {
    name = owner.name
    process = owner.name.isEmpty ? owner.process : 0
  }

  @inline(__always)
  func hash(_ seed: UInt64) -> UInt64 { mixed(mixed(name.number, seed) ^ UInt64(process), seed | 1) }
}

/// A conversation in which a program takes part.
private struct ConnectionKey: TallyKey {
  let conversation: ConversationKey
  /// The row of the program.
  let program: UInt32

  @inline(__always)
  func hash(_ seed: UInt64) -> UInt64 { mixed(conversation.hash(seed) ^ UInt64(program), seed | 1) }
}

/// The packets that a program has sent and received.
struct ProgramTally: Sendable, BitwiseCopyable {
  var traffic = SentAndReceived()
  /// Conversations between two ports in which it took part.
  var connections: UInt64 = 0
}

/// Programs, up to a limit. A packet counts for its sender and for its receiver, and only once if both are the same program.
struct Programs: Sendable {
  private(set) var table: TallyTable<ProgramKey, ProgramTally>
  private var connections: TallyTable<ConnectionKey, UInt8>
  /// Packets of programs for which there was no row.
  private(set) var others = SentAndReceived()
  /// Packets of which neither end is known.
  private(set) var unknown = Tally()
  /// The sum of all rows and others: a packet counts once for each of its programs.
  private(set) var sum = Tally()
  /// Connections for which there was no room, so that a program's count is too low.
  private(set) var isMissingConnections = false

  init(limit: Int) {
    table = TallyTable(limit: limit)
    connections = TallyTable(limit: limit)
  }

  mutating func add(_ processes: PacketProcesses, _ endpoints: PacketEndpoints, _ length: UInt64) {
    let sender = processes.sender.map { ProgramKey($0) }
    let receiver = processes.receiver.map { ProgramKey($0) }
    if let sender, sender == receiver {
      sum.add(length)
      guard let row = table.row(of: sender, new: ProgramTally()) else { return others.addToSelf(length) }
      table[row].traffic.addToSelf(length)
      return connect(row, endpoints)
    }
    if let sender {
      sum.add(length)
      if let row = table.row(of: sender, new: ProgramTally()) {
        table[row].traffic.sent.add(length)
        connect(row, endpoints)
      } else {
        others.sent.add(length)
      }
    }
    if let receiver {
      sum.add(length)
      if let row = table.row(of: receiver, new: ProgramTally()) {
        table[row].traffic.received.add(length)
        connect(row, endpoints)
      } else {
        others.received.add(length)
      }
    }
    if sender == nil, receiver == nil { unknown.add(length) }
  }

  /// Counts a connection of a program if it is new.
  private mutating func connect(_ row: Int, _ endpoints: PacketEndpoints) {
    guard endpoints.hasPorts else { return }
    var isReverse = false
    let conversation = ConversationKey(endpoints, protocol: UInt16(endpoints.ipProtocol), isReverse: &isReverse)
    let count = connections.rows.count
    let key = ConnectionKey(conversation: conversation, program: UInt32(truncatingIfNeeded: row))
    guard connections.row(of: key, new: 0) != nil else {
      isMissingConnections = true
      return
    }
    if connections.rows.count > count { table[row].connections &+= 1 }
  }
}
