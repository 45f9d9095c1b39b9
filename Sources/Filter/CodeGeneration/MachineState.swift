/// What the registers and scratch words are known to hold at a point of the program.
///
/// A register can hold several values at once: a variable and what was assigned to it.
struct MachineState: Sendable {
  var accumulator: [ValueID] = []
  var index: [ValueID] = []
  /// The values that are in their own scratch word.
  var scratch: Set<ValueID> = []

  mutating func forgetRegisters() {
    accumulator = []
    index = []
  }

  /// Where paths meet, only what is known on both stays known.
  func meet(_ other: MachineState) -> MachineState {
    MachineState(
      accumulator: accumulator.filter(other.accumulator.contains),
      index: index.filter(other.index.contains),
      scratch: scratch == other.scratch ? scratch : scratch.intersection(other.scratch))
  }
}
