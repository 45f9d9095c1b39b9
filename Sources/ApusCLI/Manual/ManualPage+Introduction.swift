extension ManualPage {
  static let introduction = [
    ManualSection(title: "Synopsis", blocks: [.paragraph("`apus` [<options>] [<expression>]")]),
    ManualSection(
      title: "Description",
      blocks: [
        .paragraph(
          """
          `apus` captures packets from interfaces (-i) or reads them from capture files (-r). It prints a description of each packet that \
          the filter <expression> accepts, or writes these packets to a capture file (-w), or counts them (--count). Its options, filters \
          and output are those of tcpdump(1).
          """),
        .paragraph(
          """
          Without -i, -r or -V it captures on the first interface that -D lists, until it is interrupted or a condition of -c or -a \
          holds. It then reports how many packets were captured, received by the filter, and dropped by the kernel.
          """),
        .paragraph(
          """
          Filters can be examined without packets: -d prints the compiled filter, --lint likely mistakes, --graph the control flow, \
          --emit an eBPF program, --witness a packet that the filter accepts, --compare how it differs from another filter.
          """),
      ]),
  ]

  static let aboutOptions: [ManualBlock] = [
    .paragraph(
      """
      Options may precede or follow the expression, up to `--`. Letters may be joined (`-nnvvXs0`), and a value may follow its \
      letter directly. Long options may be abbreviated to any unambiguous prefix; their value follows `=` or is the next argument, \
      except for values in brackets, which need `=`.
      """)
  ]

  static let aboutFilters: [ManualBlock] = [
    .paragraph(
      """
      The arguments that are not options form the <expression>; quote it to protect it from the shell. The language is that of \
      pcap-filter(7), with the meaning that libpcap gives it before optimisation. The expression may also come from a file (-F), or be \
      replaced by a program (--bytecode).
      """),
    .paragraph(
      """
      A test names the protocol, the direction, and the kind of value: `tcp dst port 80`. A qualifier that is left out means every \
      possible one; after `and` and `or` a value alone repeats the qualifiers of the previous test: `port 80 or 443`. Header bytes are \
      numbers: `ip[8] < 5`, `tcp[tcpflags] & tcp-syn != 0`. A name that is also a keyword needs a backslash: `ip proto \\udp`.
      """),
    .paragraph(
      """
      Names of hosts, networks, ports and protocols come from the files below; hosts are looked up in DNS only with --dns. Errors in an \
      expression are reported with their column, and marked under the expression with carets.
      """),
  ]
}
