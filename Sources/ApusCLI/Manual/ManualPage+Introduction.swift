extension ManualPage {
  static let introduction = [
    ManualSection(title: "Synopsis", blocks: [.paragraph("`apus` [<options>] [<expression>]")]),
    ManualSection(
      title: "Description",
      blocks: [
        .paragraph(
          """
          `apus` captures packets from interfaces (-i) or reads them from savefiles (-r), and prints those that the filter \
          <expression> accepts, one description each, or writes them to a savefile (-w), or counts them (--count). Its options, its \
          filters and its text are those of tcpdump(1).
          """),
        .paragraph(
          """
          Without -i, -r or -V it captures on the first interface that -D lists, until it is interrupted, or until a condition of -c or -a \
          holds. Then it says how many packets were captured, received by the filter, and dropped by the kernel.
          """),
        .paragraph(
          """
          What is asked of a filter itself needs no packets: -d prints what it compiles to, --lint what may not be meant in it, --graph \
          its control flow, --emit a program for eBPF, --witness a packet that it accepts, --compare how it differs from another.
          """),
      ]),
  ]

  static let aboutOptions: [ManualBlock] = [
    .paragraph(
      """
      Options stand before the expression or behind it, up to `--`. Letters may be joined (`-nnvvXs0`), and a value may follow its \
      letter at once. Words may be shortened as long as one option remains; their values stand behind `=` or are the next argument, \
      but for those in brackets.
      """)
  ]

  static let aboutFilters: [ManualBlock] = [
    .paragraph(
      """
      The words of the command line that are no options make up the <expression>; it is best quoted against the shell. The language is \
      that of pcap-filter(7), with the meaning that libpcap gives it before it optimises. An expression may also come from a file (-F), and \
      in its place a program (--bytecode).
      """),
    .paragraph(
      """
      A test is made of words for the protocol, for where to look, and for what is looked for: `tcp dst port 80`. Those that are left out \
      mean all that is possible; behind `and` and `or` they are those of the test before: `port 80 or 443`. Octets of a header are numbers: \
      `ip[8] < 5`, `tcp[tcpflags] & tcp-syn != 0`. A name that is also a word of the language has a backslash before it: \
      `ip proto \\udp`.
      """),
    .paragraph(
      """
      Names of hosts, networks, ports and protocols come from the files below; DNS is asked for hosts only with --dns. What is wrong with an \
      expression is said with its column, and shown under the expression with carets.
      """),
  ]
}
