import BPF
import Capture
import Filter
import PacketCore
import Savefile

/// Hints that are printed after a filter has matched nothing.
extension Command {
  /// Hints are wanted, and there is a filter expression that can be varied.
  var givesHints: Bool {
    guard configuration.givesHints, case .expression = configuration.filter else { return false }
    // The search for reasons cannot evaluate tests for processes.
    return !configuration.filter.acceptsAll && !asksForProcesses
  }

  func nearMissSearch(_ options: CompileOptions) -> NearMissSearch {
    NearMissSearch(configuration.filter.expression, options)
  }

  /// Prints the hints, if there are any.
  func note(_ hints: [String]) {
    for (index, hint) in hints.enumerated() {
      Diagnostics.note("apus: \(index == 0 ? "no packet matched; " : "")\(hint)")
    }
  }

  /// Called after a run over files in which nothing matched. Reads the files that can be read again, and searches the packets that were
  /// kept of the others.
  func noteNearMisses(_ sample: PacketSample, _ options: CompileOptions, _ timeWindow: TimeWindow?) {
    guard givesHints else { return }
    var search = nearMissSearch(options)
    sample.search(with: &search)
    // A user who has interrupted the run does not want to wait for another one.
    guard !StopSignal.isRaised else { return note(search.hints) }
    let copies = preparation.inputs.copies
    for file in copies where search.isOpen {
      forEachPacket(of: file, in: timeWindow) { octets, len, linkType, _ in
        search.add(octets, len: len, linkType)
        return search.isOpen
      }
    }
    guard !StopSignal.isRaised else { return }
    var hints = search.hints
    if let timeWindow, let hint = outside(timeWindow, copies, options) { hints = [hint] + hints.prefix(1) }
    note(hints)
  }

  /// A hint that counts the packets which match the filter but are outside the time window.
  private func outside(_ window: TimeWindow, _ files: [InputFile], _ options: CompileOptions) -> String? {
    var filters: [LinkType: Machine?] = [:]
    var packets = 0
    var found: UInt64 = 0
    var times: ClosedRange<Timestamp>?
    for file in files where packets < NearMissSearch.maximumPackets {
      forEachPacket(of: file, in: nil) { octets, len, linkType, time in
        packets += 1
        let machine: Machine?
        if let known = filters[linkType] {
          machine = known
        } else {
          var options = options
          options.linkType = linkType
          machine = (try? configuration.filter.compile(options)).map { Machine($0, configuration.usesNativeCode) }
          filters[linkType] = .some(machine)
        }
        if let machine, machine.run(octets, len: len) != 0, let time {
          found += 1
          times = min(times?.lowerBound ?? time, time)...max(times?.upperBound ?? time, time)
        }
        return packets < NearMissSearch.maximumPackets
      }
    }
    guard let times, !StopSignal.isRaised else { return nil }
    let flags = configuration.reading.last != nil ? "--last" : "--from and --to"
    let span =
      found == 1 ? "at \(times.lowerBound.inWords)" : "from \(times.lowerBound.inWords) to \(times.upperBound.inWords)"
    return "\(found) packet\(found == 1 ? "" : "s") outside of the time window would match, \(span): change \(flags)"
  }

  /// Reads a file once more until `body` returns false. Errors are ignored: the first run has reported them.
  private func forEachPacket(
    of file: InputFile, in timeWindow: TimeWindow?, _ body: (RawSpan, UInt32, LinkType, Timestamp?) -> Bool
  ) {
    guard let copy = file.copy() else { return }
    copy.rewind()
    do throws(SavefileError) {
      var reader = try SavefileReader(copy, configuration.reading.options)
      if let timeWindow { reader.restrict(to: timeWindow) }
      while !StopSignal.isRaised {
        reader.releaseMemory()
        guard let packet = try reader.next() else { return }
        let len = UInt32(truncatingIfNeeded: packet.len)
        let time = packet.hasTime ? packet.timestamp : nil
        guard body(packet.bytes.rawSpan, len, packet.linkType, time) else { return }
      }
    } catch {}
  }

  // MARK: Live

  /// Captured bytes of each packet in a sample.
  private static var sampleLength: UInt32 { 1024 }

  /// A second capture on the interfaces, without the filter, for the first packets. nil if the interfaces are not captured through a packet
  /// ring, or if no hints are wanted.
  func openSample(of devices: [LiveCapture.Interface], _ settings: LiveCapture.Settings) -> LiveCapture? {
    guard case .processPackets = configuration.task, configuration.givesHints,
      configuration.filterInput != nil || givesHints, devices.allSatisfy({ $0.engine == .ring })
    else { return nil }
    var settings = settings
    settings.isSample = true
    settings.isPromiscuous = false
    do throws(CaptureError) {
      return try LiveCapture(devices: devices.map(\.name), settings)
    } catch {
      return nil
    }
  }

  /// Starts the sample; nil if the system refuses it.
  func started(_ sample: consuming LiveCapture?) -> LiveCapture? {
    guard var sample else { return nil }
    do throws(CaptureError) {
      for index in sample.devices.indices {
        try sample.install(KernelFilter(sample.prefilter(of: index), snaplen: Self.sampleLength), on: index)
      }
      try sample.start()
      return sample
    } catch {
      return nil
    }
  }

  /// Called after a live capture in which nothing matched.
  func noteNearMisses(_ sample: consuming LiveSample, _ options: CompileOptions) {
    var sample = sample
    sample.finish()
    var search = nearMissSearch(options)
    sample.packets.search(with: &search)
    note(search.hints)
  }

  // MARK: --lint

  /// `--lint -r`: says whether any packet of the file matches and, if none does, why.
  func lintPackets(_ reader: inout SavefileReader, _ options: CompileOptions, _ kinds: SourceKinds) throws(CommandError)
  {
    guard givesHints else { return }
    var filter = try filter(options, kinds)
    var search = nearMissSearch(options)
    do throws(SavefileError) {
      while search.isOpen, !StopSignal.isRaised {
        reader.releaseMemory()
        guard let packet = try reader.next() else { break }
        if filter.accepts(packet) { return }
        search.add(packet.bytes.rawSpan, len: UInt32(truncatingIfNeeded: packet.len), packet.linkType)
      }
    } catch {
      throw CommandError(error.description)
    }
    let hints = search.hints
    guard !hints.isEmpty else { return }
    try write { out in
      for hint in hints { out.write("note: no packet of \(reader.path) matches; \(hint) [no-match]\n") }
    }
  }
}
