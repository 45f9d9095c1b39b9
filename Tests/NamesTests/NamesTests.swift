import Glibc
import Names
import PacketCore
import Testing

/// Files in a temporary folder, which is removed together with this object.
private final class Files {
  let folder: String
  var paths = LocalNames.Paths()

  init(_ texts: [WritableKeyPath<LocalNames.Paths, String>: String]) {
    folder = "/tmp/apus-names-\(getpid())-\(UInt64.random(in: 0...(.max)))"
    unsafe mkdir(folder, 0o700)
    for path in [\LocalNames.Paths.hosts, \.ethers, \.networks, \.services, \.protocols] {
      paths[keyPath: path] = folder + "/missing"
    }
    for (index, (path, text)) in texts.enumerated() {
      let name = folder + "/\(index)"
      paths[keyPath: path] = name
      let file = unsafe open(name, O_WRONLY | O_CREAT, 0o600)
      let octets = Array(text.utf8)
      _ = unsafe write(file, octets, octets.count)
      close(file)
    }
  }

  deinit {
    for index in 0..<5 { unsafe unlink(folder + "/\(index)") }
    unsafe rmdir(folder)
  }
}

private func ipv4(_ text: String) throws -> IPv4Address { try #require(IPv4Address(text: text.utf8)) }
private func ipv6(_ text: String) throws -> IPv6Address { try #require(IPv6Address(text: text.utf8)) }
private func mac(_ text: String) throws -> MACAddress { try #require(MACAddress(text: text.utf8)) }

@Suite struct LocalNamesTests {
  @Test func hosts() throws {
    let files = Files([
      \.hosts: """
      # a comment
      127.0.0.1\tlocalhost
      192.0.2.7   web.example.net www  # the web
      192.0.2.3   WWW
      192.0.2.7   web2 www
      2001:db8::1 web.example.net
      ::1 localhost ip6-localhost
      192.0.2.300 broken
      2001:db8::g broken
      nonsense
      192.0.2.9
      192.0.2.8 b\u{1b}ad good
      """
    ])
    let names = LocalNames(paths: files.paths)
    #expect(try names.ipv4Addresses(ofHost: "www") == [ipv4("192.0.2.7"), ipv4("192.0.2.3")])
    #expect(try names.ipv4Addresses(ofHost: "Web.Example.NET") == [ipv4("192.0.2.7")])
    #expect(try names.ipv6Addresses(ofHost: "web.example.net") == [ipv6("2001:db8::1")])
    #expect(names.ipv4Addresses(ofHost: "broken").isEmpty)
    #expect(names.ipv6Addresses(ofHost: "broken").isEmpty)
    #expect(try names.hostName(of: ipv4("192.0.2.7")) == "web.example.net")
    #expect(try names.hostName(of: ipv4("192.0.2.3")) == "WWW")
    #expect(try names.hostName(of: ipv4("192.0.2.8")) == "good")
    #expect(try names.hostName(of: ipv4("192.0.2.9")) == nil)
    #expect(try names.hostName(of: ipv6("::1")) == "localhost")
    #expect(try names.hostName(of: ipv6("::2")) == nil)
  }

  @Test func manyHosts() throws {
    let files = Files([\.hosts: (0..<5000).map { "10.0.\($0 / 250).\($0 % 250) host\($0)\n" }.joined()])
    let names = LocalNames(paths: files.paths)
    for number in stride(from: 0, to: 5000, by: 7) {
      let address = try ipv4("10.0.\(number / 250).\(number % 250)")
      #expect(names.hostName(of: address) == "host\(number)")
      #expect(names.ipv4Addresses(ofHost: "HOST\(number)") == [address])
    }
    #expect(try names.hostName(of: ipv4("10.0.0.251")) == nil)
  }

  @Test func ethers() throws {
    let files = Files([
      \.ethers:
        "aa:0:4:0:14:e printer.example\n00:00:5e:00:53:01 Printer.example # again\n1:2:3:4:5 short\n0:0:0:0:0:0:0 long\n"
    ])
    let names = LocalNames(paths: files.paths)
    #expect(try names.macAddress(ofHost: "PRINTER.EXAMPLE") == mac("aa:00:04:00:14:0e"))
    #expect(try names.etherName(of: mac("aa:00:04:00:14:0e")) == "printer.example")
    #expect(try names.etherName(of: mac("00:00:5e:00:53:01")) == "Printer.example")
    #expect(names.macAddress(ofHost: "short") == nil)
    #expect(names.macAddress(ofHost: "long") == nil)
  }

  @Test func networks() throws {
    let files = Files([\.networks: "loopback 127\nlab 10.20.30.0 Laboratory\nbad 10.256\nworse 1.2.3.4.5\n"])
    let names = LocalNames(paths: files.paths)
    #expect(try names.ipv4Network(named: "LOOPBACK") == ipv4("127.0.0.0"))
    #expect(try names.ipv4Network(named: "laboratory") == ipv4("10.20.30.0"))
    #expect(names.ipv4Network(named: "bad") == nil)
    #expect(names.ipv4Network(named: "worse") == nil)
  }

  @Test func services() {
    let files = Files([
      \.services: """
      http 80/tcp www
      other 80/tcp
      http 8080/udp
      http 81/tcp
      sigtran 2905/sctp
      far 70000/tcp
      odd 7/ddp
      bare 7
      """
    ])
    let names = LocalNames(paths: files.paths)
    #expect(names.port(ofService: "http", over: .tcp) == 80)
    #expect(names.port(ofService: "www", over: .tcp) == 80)
    #expect(names.port(ofService: "http", over: .udp) == 8080)
    #expect(names.port(ofService: "HTTP", over: .tcp) == nil)
    #expect(names.port(ofService: "sigtran", over: .sctp) == 2905)
    #expect(names.port(ofService: "sigtran", over: .tcp) == nil)
    #expect(names.port(ofService: "far", over: .tcp) == nil)
    #expect(names.port(ofService: "odd", over: .tcp) == nil)
    #expect(names.serviceName(port: 80, over: .tcp) == "http")
    #expect(names.serviceName(port: 80, over: .udp) == nil)
    #expect(names.serviceName(port: 81, over: .tcp) == "http")
  }

  @Test func protocols() {
    let files = Files([\.protocols: "tcp 6 TCP # comment\nmptcp 262 MPTCP\nbad x\n"])
    let names = LocalNames(paths: files.paths)
    #expect(names.protocolNumber(named: "tcp") == 6)
    #expect(names.protocolNumber(named: "TCP") == 6)
    #expect(names.protocolNumber(named: "MPTCP") == 262)
    #expect(names.protocolNumber(named: "bad") == nil)
    #expect(names.protocolName(6) == "tcp")
    #expect(names.protocolName(7) == nil)
  }

  @Test func missingFiles() throws {
    let names = LocalNames(paths: Files([:]).paths)
    #expect(names.ipv4Addresses(ofHost: "localhost").isEmpty)
    #expect(names.macAddress(ofHost: "localhost") == nil)
    #expect(names.ipv4Network(named: "loopback") == nil)
    #expect(names.port(ofService: "https", over: .tcp) == 443)
    #expect(names.port(ofService: "www", over: .tcp) == 80)
    #expect(names.serviceName(port: 53, over: .udp) == "domain")
    #expect(names.protocolNumber(named: "sctp") == 132)
    #expect(names.protocolName(17) == "udp")
  }

  /// Our results match those of the C library for the same files.
  @Test func agreesWithTheSystem() {
    let names = LocalNames()
    for number in 0...UInt8.max {
      guard let entry = unsafe getprotobynumber(CInt(number)) else { continue }
      let expected = unsafe String(cString: entry.pointee.p_name)
      #expect(names.protocolName(number) == expected)
    }
    for transport in [Transport.tcp, .udp] {
      for port in UInt16(1)..<10000 {
        let found = unsafe getservbyport(CInt(port.bigEndian), transport == .tcp ? "tcp" : "udp")
        guard let entry = unsafe found else { continue }
        let expected = unsafe String(cString: entry.pointee.s_name)
        #expect(names.serviceName(port: port, over: transport) == expected)
      }
    }
  }
}
