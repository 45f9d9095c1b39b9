extension ManualPage {
  /// What belongs to several options.
  static let subjects = [
    ManualSection(
      title: "Output",
      blocks: [
        .paragraph(
          """
          A packet is a line of text on standard output: the local time (-t, --time), on several interfaces the name and direction, the \
          link-layer header (-e), then what its protocols say, in tcpdump(1)'s words. -v adds lines, -q leaves words out, -n prints numbers for \
          names; -x, -X and -A append the octets. `[|tcp]` stands where the captured part of a packet ends within a header, `(invalid)` \
          where a header contradicts itself. Control characters of packets are never printed as they are.
          """),
        .paragraph(
          """
          With --json a packet is an object on a line of its own: time, lengths, link type, and `layers` with the fields of each header \
          in their order.
          """),
        .paragraph(
          """
          -d prints an instruction a line, with the places that a jump leads to where it is true (`jt`) and where not (`jf`); -dd an array \
          in C; -ddd numbers, the first of which is that of instructions. --count prints `<number> packets`.
          """),
        .paragraph(
          "What is not output, as errors, counts at the end of a capture, the ledger and progress, goes to standard error."
        ),
      ]),
    ManualSection(
      title: "Savefiles",
      blocks: [
        .paragraph(
          """
          pcap and pcapng files are read, compressed with gzip, zstd or LZ4 or not, also through a pipe. Several are read one after the other \
          or, with --merge, in the order of time; packets of other link types meet the filter compiled for theirs. A file that ends within a \
          packet or contradicts itself gives the packets before that place, a message with the offset, and status 1; --recover goes on \
          behind it.
          """),
        .paragraph(
          """
          Times of --from and --to are `2026-11-24T20:44:25Z` (without `Z` or an offset, local time), seconds since 1970, or a local \
          time of day on the first packet's day, `20:44` or `20:44:25.5`; `--to` is the next day's where it would not lie behind `--from`. The start of that window is searched, not read up to: packets may \
          be out of order by ten seconds, or by what --disorder says. --last counts back from the last packet of the files, which are read twice for it.
          """),
        .paragraph(
          """
          A pcapng file that is written from others keeps their interfaces with all options and units of time, comments, names, decryption \
          secrets, statistics and custom blocks. Names and secrets come before the packets that may need them, in each of several files.
          """),
        .paragraph(
          """
          A file of -w is a pcapng file where its name ends in `.pcapng`, and compressed where it ends in `.gz` or `.zst`. It is called \
          <name>`.part` until it is whole. A file that was there before is not replaced, but for a ring (-C with -W): the new one gets a \
          number. The program of -z may have arguments (`-z 'gzip -9'`, without a shell) and runs for the last file, too. \
          Unlike tcpdump, apus waits at its end until these programs have ended, since it reports their failures; Ctrl-C leaves them running. \
          With -G files end on multiples of the interval on the local clock, also while no packet comes, and `%` in the name is \
          that of strftime(3).
          """),
        .paragraph(
          """
          Times of -G, `-a duration:`, --last, --disorder, --stats-interval, --ledger and --proof-timeout are seconds, or numbers with units: \
          `90s`, `5m`, `1h30m`, `2d`. Sizes of -C (plain numbers are millions of bytes), `-a filesize:` (kB), -B (KiB) and -s (bytes) may have \
          `k`, `m` and `g`, or KiB, MiB and GiB, which are units of 1024, or kB, MB and GB, which are units of 1000.
          """),
        .paragraph(
          """
          Whatever keeps packets from being written, apus says how many packets are in the file and how many are lost, cuts the file behind \
          the last whole one, and ends with status 1. Each write begins and ends with a whole packet.
          """),
      ]),
    ManualSection(
      title: "Live capture",
      blocks: [
        .paragraph(
          """
          The filter is also compiled for the kernel, which keeps unwanted packets from being copied; each packet that arrives is judged \
          again, so that a live capture and the file that it wrote agree. Where the kernel refuses the program, apus says so and goes on \
          without it.
          """),
        .paragraph(
          """
          Packets come no later than 100 ms after the first of them (20 ms with several interfaces, 1 ms with --immediate-mode and where \
          text goes to a terminal). What was printed and written leaves the program whenever no packet waits; -l and -U write every \
          single one at once, but those together that wait because they come faster.
          """),
        .paragraph(
          """
          Several interfaces (-i again) are captured together, in the order of time. With --wait-interface one that is missing, goes down or \
          is removed is waited for, and the gap is marked; without, that ends the capture with status 1.
          """),
        .paragraph(
          """
          --netns captures in another network namespace: one that ip-netns(8) lists, that of a process, by its number, or a file. Interfaces are \
          those of the namespace; files stay where apus was started. It takes CAP_SYS_ADMIN, and CAP_SYS_PTRACE for a process of another user.
          """),
        .paragraph(
          """
          Network interfaces are captured through a ring of packets that the kernel fills (TPACKET_V3), savefiles are read by apus itself, and \
          libpcap serves what is left: netfilter, USB, Bluetooth, monitor mode, other clocks, and interfaces on which the kernel gives no ring. \
          With --engine libpcap it serves everything, for the same packets; what it does not tell is missing then: the direction, except in \
          cooked headers and with -Q, and the interfaces and comments of a pcapng file. -v and --version say which engine serves.
          """),
      ]),
    ManualSection(
      title: "Ledger",
      blocks: [
        .paragraph(
          """
          With --ledger, and at SIGUSR1, the account of all packets is printed on standard error. For each interface <received> is the sum of \
          <dropped> by the kernel, <waiting>, <filtered>, <passed> over and <kept>; for each place that packets go to, <kept> is the sum of \
          <written> or <printed> and <lost>. The equations are checked whether or not they are printed: where one does not hold, the ledger is \
          printed and the status is 1.
          """)
      ]),
    ManualSection(
      title: "Statistics",
      blocks: [
        .paragraph(
          """
          With --stats, packets and their octets on the wire are counted instead of printed; the counts are printed at the end, at SIGUSR1, and \
          every --stats-interval seconds. A packet counts once, by its outermost IP header: tunnels between their ends, ICMP errors between those \
          who sent and received them, later fragments without ports, what is not IP between Ethernet addresses; the tree of protocols goes on \
          into tunnels. A packet counts once for its source and once for its \
          destination among endpoints and ports, and once only where both are the same, as on a loopback interface. --sort says what \
          stands first. On a terminal, tables fit its width and numbers have units; with --stats-interval a report replaces the one before \
          and tells the rates since then. When a table is full, the rows that it has stay exact, and packets that find no row are counted as others.
          """)
      ]),
    ManualSection(
      title: "Privilege",
      blocks: [
        .paragraph(
          """
          To capture, apus needs CAP_NET_RAW and, for most interfaces, CAP_NET_ADMIN; reading savefiles needs nothing. They are given to \
          the program, so that users need not be root, with
          """),
        .command("setcap cap_net_raw,cap_net_admin=eip /usr/local/bin/apus"),
        .paragraph(
          """
          Once sources and outputs are open, and before anything is read of them, apus gives up every capability, the files that it does not need \
          (landlock(7)) and the system calls that it does not need (seccomp(2)). Started as root it also becomes another user: that of -Z; \
          for files that rotate, the owner of their folder; else nobody. \
          With `-Z root` it stays root, without privilege. --no-sandbox leaves all of it out, but for -Z. --version tells what the kernel has of it.
          """),
      ]),
    ManualSection(
      title: "Proofs",
      blocks: [
        .paragraph(
          """
          --witness, --compare, --compare-bytecode and --verify-optimizer ask the program z3, which must be installed, for the seconds of \
          --proof-timeout. What it finds is shown only after it was tried on the filter. --graph asks graphviz (the program dot) for \
          pictures.
          """)
      ]),
  ]

  static let conclusion = [
    ManualSection(
      title: "Exit status",
      blocks: [
        .item("`0`", "Everything was done; --compare and --verify-optimizer: the filters are equal."),
        .item(
          "`1`",
          """
          Something was not: a savefile not read to its end, an expression refused, a full disk, an unknown option. The last lines on standard \
          error say what. --compare: the filters differ.
          """),
        .item(
          "`2`",
          """
          --recover has passed over damaged parts, and all others were read. --compare and --verify-optimizer: it was not found out.
          """),
      ]),
    ManualSection(
      title: "Signals",
      blocks: [
        .item(
          "SIGINT, SIGTERM, SIGHUP",
          "The first ends the capture after what had arrived; a second one leaves that undone. SIGHUP is ignored under nohup(1)."
        ),
        .item("SIGUSR1", "The ledger and the statistics that are wanted are printed."),
        .item("SIGUSR2", "The next file of -w begins, where files rotate."),
        .item("SIGPIPE", "Ignored: where standard output is closed, apus ends in silence."),
      ]),
    ManualSection(
      title: "Environment",
      blocks: [
        .item("`TZ`", "The time zone of printed times and of names with `%`, see tzset(3)."),
        .item("`NO_COLOR`", "Where it is not empty, --color=auto means no colours."),
        .item("`TERM`", "Where it is `dumb` or missing, --color=auto means no colours."),
        .item("`PATH`", "Where z3, dot and the program of -z are looked for."),
      ]),
    ManualSection(
      title: "Files",
      blocks: [
        .item("`/etc/hosts`, `/etc/ethers`, `/etc/networks`", "Names of addresses, in text and filters."),
        .item("`/etc/services`, `/etc/protocols`", "Names of ports and of protocols of IP, in text and filters."),
        .item("`/etc/localtime`", "The time zone, where TZ does not tell."),
      ]),
    ManualSection(
      title: "Examples",
      blocks: [
        .paragraph("Print what comes and goes for a host, but for one's own ssh:"),
        .command("apus -i eth0 -nn 'host 192.0.2.1 and not port 22'"),
        .paragraph("Capture a hundred packets of DNS into a file:"),
        .command("apus -i eth0 -c 100 -w trace.pcap udp port 53"),
        .paragraph("Look at another host's packets here:"), .command("ssh host apus -i eth0 -w - tcp | apus -nn -r -"),
        .paragraph("Keep ten files of 100 MiB:"), .command("apus -i eth0 -C 100m -W 10 -w ring.pcap"),
        .paragraph("A file for every hour, compressed when it is full:"),
        .command("apus -i eth0 -G 3600 -w 'eth0-%Y%m%d-%H%M.pcap' -z zstd"),
        .paragraph("Count what a minute of two files has:"),
        .command("apus --count --merge -r a.pcap -r b.pcapng --from 12:00 --to 12:01 tcp"),
        .paragraph("See the packets that begin and end connections, with dates:"),
        .command("apus -nn -tttt -r trace.pcap 'tcp[tcpflags] & (tcp-syn|tcp-fin) != 0'"),
        .paragraph("Ask why packets match, or do not:"),
        .command("apus --explain=summary -r trace.pcap 'icmp or tcp port 80'"),
        .paragraph("See what a filter does, as text and as a picture:"),
        .command("apus -d tcp dst port 80\napus --graph svg tcp > tcp.svg"),
        .paragraph("Hand it to the kernel's eBPF:"),
        .command("apus --emit ebpf-elf --program-type xdp -w filter.o udp"),
        .paragraph("Compare two filters:"), .command("apus --compare 'ip proto 6' 'tcp and not ip6'"),
        .paragraph("Install this page, and completions for bash:"),
        .command(
          """
          apus --manual | install -D -m 644 /dev/stdin \\
            /usr/local/share/man/man1/apus.1
          apus --completions bash | install -D -m 644 /dev/stdin \\
            /usr/local/share/bash-completion/completions/apus
          """),
      ]),
    ManualSection(
      title: "See also",
      blocks: [
        .paragraph(
          """
          tcpdump(1), bpf(2), seccomp(2), pcap-savefile(5), capabilities(7), landlock(7), pcap-filter(7), pcap-linktype(7), pcap-tstamp(7)
          """)
      ]),
    ManualSection(
      title: "Limits",
      blocks: [
        .paragraph(
          """
          Nothing is decrypted: tcpdump's options for that (E and M) are unknown. The link types and protocols that are printed are fewer than \
          tcpdump's; --list-link-types tells the former, and of others the octets are shown.
          """)
      ]),
  ]
}
