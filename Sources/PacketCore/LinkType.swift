/// The type of a packet's first header: the number that libpcap calls DLT.
///
/// In files it is called LINKTYPE, and a few types have a different number there: see `init(fileValue:)`.
/// Names and numbers are those of <https://www.tcpdump.org/linktypes.html> for Linux.
public struct LinkType: RawRepresentable, Hashable, Sendable, BitwiseCopyable {
  public let rawValue: UInt32
  @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }
}

extension LinkType {
  public static let null = LinkType(rawValue: 0)
  public static let ethernet = LinkType(rawValue: 1)
  public static let raw = LinkType(rawValue: 12)
  public static let loop = LinkType(rawValue: 108)
  public static let linuxSLL = LinkType(rawValue: 113)
  public static let ipv4 = LinkType(rawValue: 228)
  public static let ipv6 = LinkType(rawValue: 229)
  public static let linuxSLL2 = LinkType(rawValue: 276)
  public static let tokenRing = LinkType(rawValue: 6)
  public static let arcnet = LinkType(rawValue: 7)
  public static let slip = LinkType(rawValue: 8)
  public static let ppp = LinkType(rawValue: 9)
  public static let fddi = LinkType(rawValue: 10)
  public static let atmRFC1483 = LinkType(rawValue: 11)
  public static let slipBSDOS = LinkType(rawValue: 15)
  public static let pppBSDOS = LinkType(rawValue: 16)
  public static let atmCLIP = LinkType(rawValue: 19)
  public static let pppSerial = LinkType(rawValue: 50)
  public static let pppEther = LinkType(rawValue: 51)
  public static let symantecFirewall = LinkType(rawValue: 99)
  public static let ciscoHDLC = LinkType(rawValue: 104)
  public static let ieee80211 = LinkType(rawValue: 105)
  public static let frameRelay = LinkType(rawValue: 107)
  public static let enc = LinkType(rawValue: 109)
  public static let localTalk = LinkType(rawValue: 114)
  public static let pflog = LinkType(rawValue: 117)
  public static let prism = LinkType(rawValue: 119)
  public static let ipOverFibreChannel = LinkType(rawValue: 122)
  public static let sunATM = LinkType(rawValue: 123)
  public static let radiotap = LinkType(rawValue: 127)
  public static let arcnetLinux = LinkType(rawValue: 129)
  public static let appleIPOverIEEE1394 = LinkType(rawValue: 138)
  public static let mtp2WithPseudoHeader = LinkType(rawValue: 139)
  public static let mtp2 = LinkType(rawValue: 140)
  /// Reserved for private use; macOS writes `pktap` packets with it.
  public static let user2 = LinkType(rawValue: 149)
  public static let avs = LinkType(rawValue: 163)
  public static let bacnetMSTP = LinkType(rawValue: 165)
  public static let pppPPPD = LinkType(rawValue: 166)
  public static let ppi = LinkType(rawValue: 192)
  public static let erf = LinkType(rawValue: 197)
  public static let ipnet = LinkType(rawValue: 226)
  public static let nflog = LinkType(rawValue: 239)
  public static let netAnalyzer = LinkType(rawValue: 240)
  public static let netAnalyzerTransparent = LinkType(rawValue: 241)
  public static let ipOverInfiniBand = LinkType(rawValue: 242)
  public static let pktap = LinkType(rawValue: 258)
  public static let dsaTagBroadcom = LinkType(rawValue: 281)
  public static let dsaTagBroadcomPrepended = LinkType(rawValue: 282)
  public static let dsaTagMarvell = LinkType(rawValue: 284)
  public static let dsaTagMarvellEtherType = LinkType(rawValue: 285)

  /// The name without `DLT_`, such as `EN10MB`; nil if the number has none.
  public var name: String? { row?.name }

  /// A short description, such as `Ethernet`; nil if there is none.
  public var details: String? { row?.details }

  /// The link type with that name (with or without `DLT_`, ignoring case); nil if there is none.
  public init?(name: String) {
    var wanted = name.uppercased()
    if wanted.hasPrefix("DLT_") { wanted.removeFirst(4) }
    guard let row = Self.rows.first(where: { $0.name == wanted }) else { return nil }
    self.init(rawValue: row.number)
  }

  /// Every link type that has a name, by number.
  public static var all: [LinkType] { rows.map { LinkType(rawValue: $0.number) } }

  /// The link type for a number in a pcap or pcapng file (LINKTYPE). Its upper bits (length of the frame check sequence, reserved) are
  /// ignored.
  public init(fileValue: UInt32) {
    let value = fileValue & 0x03ff_ffff
    self.init(rawValue: Self.differing.first { $0.file == value }?.dlt ?? value)
  }

  /// The number (LINKTYPE) of this link type in a file.
  public var fileValue: UInt32 { Self.differing.first { $0.dlt == rawValue }?.file ?? rawValue }

  /// The types whose number in files differs from their DLT on Linux.
  private static let differing: [(dlt: UInt32, file: UInt32)] = [
    (11, 100), (12, 101), (15, 102), (16, 103), (19, 106),
  ]

  private struct Row {
    let number: UInt32
    let name: String
    let details: String
    init(_ number: UInt32, _ name: String, _ details: String) {
      self.number = number
      self.name = name
      self.details = details
    }
  }

  private var row: Row? { Self.rows.first { $0.number == rawValue } }

  private static let rows: [Row] = [
    Row(0, "NULL", "BSD loopback"),
    Row(1, "EN10MB", "Ethernet"),
    Row(2, "EN3MB", "Experimental 3Mb/s Ethernet"),
    Row(3, "AX25", "AX.25 layer 2"),
    Row(4, "PRONET", "Proteon ProNET Token Ring"),
    Row(5, "CHAOS", "MIT Chaosnet"),
    Row(6, "IEEE802", "Token ring"),
    Row(7, "ARCNET", "BSD ARCNET"),
    Row(8, "SLIP", "SLIP"),
    Row(9, "PPP", "PPP"),
    Row(10, "FDDI", "FDDI"),
    Row(11, "ATM_RFC1483", "RFC 1483 LLC-encapsulated ATM"),
    Row(12, "RAW", "Raw IP"),
    Row(15, "SLIP_BSDOS", "BSD/OS SLIP"),
    Row(16, "PPP_BSDOS", "BSD/OS PPP"),
    Row(19, "ATM_CLIP", "Linux Classical IP over ATM"),
    Row(32, "REDBACK_SMARTEDGE", "Redback SmartEdge"),
    Row(50, "PPP_SERIAL", "PPP over serial"),
    Row(51, "PPP_ETHER", "PPPoE"),
    Row(99, "SYMANTEC_FIREWALL", "Symantec Firewall"),
    Row(104, "C_HDLC", "Cisco HDLC"),
    Row(105, "IEEE802_11", "802.11"),
    Row(107, "FRELAY", "Frame Relay"),
    Row(108, "LOOP", "OpenBSD loopback"),
    Row(109, "ENC", "OpenBSD encapsulated IP"),
    Row(113, "LINUX_SLL", "Linux cooked v1"),
    Row(114, "LTALK", "Localtalk"),
    Row(117, "PFLOG", "OpenBSD pflog file"),
    Row(119, "PRISM_HEADER", "802.11 plus Prism header"),
    Row(122, "IP_OVER_FC", "RFC 2625 IP-over-Fibre Channel"),
    Row(123, "SUNATM", "Sun raw ATM"),
    Row(127, "IEEE802_11_RADIO", "802.11 plus radiotap header"),
    Row(129, "ARCNET_LINUX", "Linux ARCNET"),
    Row(130, "JUNIPER_MLPPP", "Juniper Multi-Link PPP"),
    Row(131, "JUNIPER_MLFR", "Juniper Multi-Link Frame Relay"),
    Row(132, "JUNIPER_ES", "Juniper Encryption Services PIC"),
    Row(133, "JUNIPER_GGSN", "Juniper GGSN PIC"),
    Row(134, "JUNIPER_MFR", "Juniper FRF.16 Frame Relay"),
    Row(135, "JUNIPER_ATM2", "Juniper ATM2 PIC"),
    Row(136, "JUNIPER_SERVICES", "Juniper Advanced Services PIC"),
    Row(137, "JUNIPER_ATM1", "Juniper ATM1 PIC"),
    Row(138, "APPLE_IP_OVER_IEEE1394", "Apple IP-over-IEEE 1394"),
    Row(139, "MTP2_WITH_PHDR", "SS7 MTP2 with Pseudo-header"),
    Row(140, "MTP2", "SS7 MTP2"),
    Row(141, "MTP3", "SS7 MTP3"),
    Row(142, "SCCP", "SS7 SCCP"),
    Row(143, "DOCSIS", "DOCSIS"),
    Row(144, "LINUX_IRDA", "Linux IrDA"),
    Row(163, "IEEE802_11_RADIO_AVS", "802.11 plus AVS radio information header"),
    Row(164, "JUNIPER_MONITOR", "Juniper Passive Monitor PIC"),
    Row(165, "BACNET_MS_TP", "BACnet MS/TP"),
    Row(166, "PPP_PPPD", "PPP for pppd, with direction flag"),
    Row(167, "JUNIPER_PPPOE", "Juniper PPPoE"),
    Row(168, "JUNIPER_PPPOE_ATM", "Juniper PPPoE/ATM"),
    Row(169, "GPRS_LLC", "GPRS LLC"),
    Row(170, "GPF_T", "GPF-T"),
    Row(171, "GPF_F", "GPF-F"),
    Row(174, "JUNIPER_PIC_PEER", "Juniper PIC Peer"),
    Row(175, "ERF_ETH", "Ethernet with Endace ERF header"),
    Row(176, "ERF_POS", "Packet-over-SONET with Endace ERF header"),
    Row(177, "LINUX_LAPD", "Linux vISDN LAPD"),
    Row(178, "JUNIPER_ETHER", "Juniper Ethernet"),
    Row(179, "JUNIPER_PPP", "Juniper PPP"),
    Row(180, "JUNIPER_FRELAY", "Juniper Frame Relay"),
    Row(181, "JUNIPER_CHDLC", "Juniper C-HDLC"),
    Row(182, "MFR", "FRF.16 Frame Relay"),
    Row(183, "JUNIPER_VP", "Juniper Voice PIC"),
    Row(184, "A429", "Arinc 429"),
    Row(185, "A653_ICM", "Arinc 653 Interpartition Communication"),
    Row(186, "USB_FREEBSD", "USB with FreeBSD header"),
    Row(187, "BLUETOOTH_HCI_H4", "Bluetooth HCI UART transport layer"),
    Row(188, "IEEE802_16_MAC_CPS", "IEEE 802.16 MAC Common Part Sublayer"),
    Row(189, "USB_LINUX", "USB with Linux header"),
    Row(190, "CAN20B", "Controller Area Network (CAN) v. 2.0B"),
    Row(191, "IEEE802_15_4_LINUX", "IEEE 802.15.4 with Linux padding"),
    Row(192, "PPI", "Per-Packet Information"),
    Row(193, "IEEE802_16_MAC_CPS_RADIO", "IEEE 802.16 MAC Common Part Sublayer plus radiotap header"),
    Row(194, "JUNIPER_ISM", "Juniper Integrated Service Module"),
    Row(195, "IEEE802_15_4", "IEEE 802.15.4 with FCS"),
    Row(196, "SITA", "SITA pseudo-header"),
    Row(197, "ERF", "Endace ERF header"),
    Row(198, "RAIF1", "Ethernet with u10 Networks pseudo-header"),
    Row(199, "IPMB_KONTRON", "IPMB with Kontron pseudo-header"),
    Row(200, "JUNIPER_ST", "Juniper Secure Tunnel"),
    Row(201, "BLUETOOTH_HCI_H4_WITH_PHDR", "Bluetooth HCI UART transport layer plus pseudo-header"),
    Row(202, "AX25_KISS", "AX.25 with KISS header"),
    Row(209, "I2C_LINUX", "I2C on Linux"),
    Row(215, "IEEE802_15_4_NONASK_PHY", "IEEE 802.15.4 with non-ASK PHY data"),
    Row(216, "LINUX_EVDEV", "Linux evdev events"),
    Row(219, "MPLS", "MPLS with label as link-layer header"),
    Row(220, "USB_LINUX_MMAPPED", "USB with padded Linux header"),
    Row(221, "DECT", "DECT"),
    Row(222, "AOS", "AOS Space Data Link protocol"),
    Row(223, "WIHART", "Wireless HART"),
    Row(224, "FC_2", "Fibre Channel FC-2"),
    Row(225, "FC_2_WITH_FRAME_DELIMS", "Fibre Channel FC-2 with frame delimiters"),
    Row(226, "IPNET", "Solaris ipnet"),
    Row(227, "CAN_SOCKETCAN", "CAN-bus with SocketCAN headers"),
    Row(228, "IPV4", "Raw IPv4"),
    Row(229, "IPV6", "Raw IPv6"),
    Row(230, "IEEE802_15_4_NOFCS", "IEEE 802.15.4 without FCS"),
    Row(231, "DBUS", "D-Bus"),
    Row(232, "JUNIPER_VS", "Juniper Virtual Server"),
    Row(233, "JUNIPER_SRX_E2E", "Juniper SRX E2E"),
    Row(234, "JUNIPER_FIBRECHANNEL", "Juniper Fibre Channel"),
    Row(235, "DVB_CI", "DVB-CI"),
    Row(236, "MUX27010", "MUX27010"),
    Row(237, "STANAG_5066_D_PDU", "STANAG 5066 D_PDUs"),
    Row(238, "JUNIPER_ATM_CEMIC", "Juniper ATM CEMIC"),
    Row(239, "NFLOG", "Linux netfilter log messages"),
    Row(240, "NETANALYZER", "Ethernet with Hilscher netANALYZER pseudo-header"),
    Row(241, "NETANALYZER_TRANSPARENT", "Ethernet with Hilscher netANALYZER pseudo-header and with preamble and SFD"),
    Row(242, "IPOIB", "RFC 4391 IP-over-Infiniband"),
    Row(243, "MPEG_2_TS", "MPEG-2 transport stream"),
    Row(244, "NG40", "ng40 protocol tester Iub/Iur"),
    Row(245, "NFC_LLCP", "NFC LLCP PDUs with pseudo-header"),
    Row(246, "PFSYNC", "Packet filter state syncing"),
    Row(247, "INFINIBAND", "InfiniBand"),
    Row(248, "SCTP", "SCTP"),
    Row(249, "USBPCAP", "USB with USBPcap header"),
    Row(250, "RTAC_SERIAL", "Schweitzer Engineering Laboratories RTAC packets"),
    Row(251, "BLUETOOTH_LE_LL", "Bluetooth Low Energy air interface"),
    Row(253, "NETLINK", "Linux netlink"),
    Row(254, "BLUETOOTH_LINUX_MONITOR", "Bluetooth Linux Monitor"),
    Row(255, "BLUETOOTH_BREDR_BB", "Bluetooth Basic Rate/Enhanced Data Rate baseband packets"),
    Row(256, "BLUETOOTH_LE_LL_WITH_PHDR", "Bluetooth Low Energy air interface with pseudo-header"),
    Row(257, "PROFIBUS_DL", "PROFIBUS data link layer"),
    Row(258, "PKTAP", "Apple DLT_PKTAP"),
    Row(259, "EPON", "Ethernet with 802.3 Clause 65 EPON preamble"),
    Row(260, "IPMI_HPM_2", "IPMI trace packets"),
    Row(261, "ZWAVE_R1_R2", "Z-Wave RF profile R1 and R2 packets"),
    Row(262, "ZWAVE_R3", "Z-Wave RF profile R3 packets"),
    Row(263, "WATTSTOPPER_DLM", "WattStopper Digital Lighting Management (DLM) and Legrand Nitoo Open protocol"),
    Row(264, "ISO_14443", "ISO 14443 messages"),
    Row(265, "RDS", "IEC 62106 Radio Data System groups"),
    Row(266, "USB_DARWIN", "USB with Darwin header"),
    Row(267, "OPENFLOW", "OpenBSD DLT_OPENFLOW"),
    Row(268, "SDLC", "IBM SDLC frames"),
    Row(269, "TI_LLN_SNIFFER", "TI LLN sniffer frames"),
    Row(271, "VSOCK", "Linux vsock"),
    Row(272, "NORDIC_BLE", "Nordic Semiconductor Bluetooth LE sniffer frames"),
    Row(273, "DOCSIS31_XRA31", "Excentis XRA-31 DOCSIS 3.1 RF sniffer frames"),
    Row(274, "ETHERNET_MPACKET", "802.3br mPackets"),
    Row(275, "DISPLAYPORT_AUX", "DisplayPort AUX channel monitoring data"),
    Row(276, "LINUX_SLL2", "Linux cooked v2"),
    Row(278, "OPENVIZSLA", "OpenVizsla USB"),
    Row(279, "EBHSCR", "Elektrobit High Speed Capture and Replay (EBHSCR)"),
    Row(280, "VPP_DISPATCH", "VPP graph dispatch tracer"),
    Row(281, "DSA_TAG_BRCM", "Broadcom tag"),
    Row(282, "DSA_TAG_BRCM_PREPEND", "Broadcom tag (prepended)"),
    Row(283, "IEEE802_15_4_TAP", "IEEE 802.15.4 with pseudo-header"),
    Row(284, "DSA_TAG_DSA", "Marvell DSA"),
    Row(285, "DSA_TAG_EDSA", "Marvell EDSA"),
    Row(286, "ELEE", "ELEE lawful intercept packets"),
    Row(287, "Z_WAVE_SERIAL", "Z-Wave serial frames between host and chip"),
    Row(288, "USB_2_0", "USB 2.0/1.1/1.0 as transmitted over the cable"),
    Row(289, "ATSC_ALP", "ATSC Link-Layer Protocol packets"),
    Row(290, "ETW", "Event Tracing for Windows"),
    Row(291, "NETANALYZER_NG", "Hilscher netANALYZER NG"),
    Row(292, "ZBOSS_NCP", "ZBOSS NCP serial protocol"),
    Row(293, "USB_2_0_LOW_SPEED", "Low-speed USB 2.0/1.1/1.0 as transmitted over the cable"),
    Row(294, "USB_2_0_FULL_SPEED", "Full-speed USB 2.0/1.1/1.0 as transmitted over the cable"),
    Row(295, "USB_2_0_HIGH_SPEED", "High-speed USB 2.0 as transmitted over the cable"),
    Row(296, "AUERSWALD_LOG", "Auerswald log"),
    Row(297, "ZWAVE_TAP", "Z-Wave with TAP pseudo-header"),
    Row(298, "SILABS_DEBUG_CHANNEL", "Silicon Labs debug channel"),
    Row(299, "FIRA_UCI", "FiRa ultra-wideband controller interface"),
    Row(300, "MDB", "Multi-Drop Bus"),
    Row(301, "DECT_NR", "DECT NR MAC layer"),
  ]
}
