extension ManualPage {
  /// Sections on subjects that concern several options.
  static let subjects = [
    ManualSection(
      title: "Output",
      blocks: [
        .paragraph(
          """
          A packet is printed as a line of text on standard output: the local time (-t, --time), with several interfaces the name and \
          direction, the link-layer header (-e), and the description of its protocols in the format of tcpdump(1). -v adds detail, -q removes \
          it, -n prints numbers instead of names; -x, -X and -A append the bytes. `[|tcp]` marks a header that the capture cuts short, \
          `(invalid)` a header that contradicts itself. Control characters from packets are always escaped.
          """),
        .paragraph(
          """
          With --json each packet is a JSON object on its own line: time, lengths, link type, and `layers` with the fields of each header \
          in order.
          """),
        .paragraph(
          """
          -d prints one instruction per line, with the targets of a conditional jump if it is taken (`jt`) and if not (`jf`); -dd prints a C \
          array; -ddd prints numbers, starting with the instruction count. --count prints `<number> packets`.
          """),
        .paragraph(
          "Errors, the counts at the end of a capture, the ledger and progress go to standard error."
        ),
      ]),
    ManualSection(
      title: "Capture files",
      blocks: [
        .paragraph(
          """
          apus reads pcap and pcapng files, plain or compressed with gzip, zstd or LZ4, also through a pipe. Several files are read in turn \
          or, with --merge, in time order; the filter is compiled for each link type. From a truncated or damaged file, the packets before \
          the damage are processed; apus then reports the offset and exits with status 1. --recover continues after the damage.
          """),
        .paragraph(
          """
          --from and --to take times such as `2026-11-24T20:44:25Z` (local time without `Z` or an offset), seconds since 1970, or a local \
          time of day on the first packet's day, `20:44` or `20:44:25.5`; if `--to` would not be later than `--from`, it means the next day. \
          apus seeks to the start of the window instead of reading up to it: packets may be out of order by ten seconds, or by --disorder. \
          --last counts back from the last packet of the files, which are read twice.
          """),
        .paragraph(
          """
          A pcapng file written from others keeps their interfaces with all options and time units, comments, names, decryption secrets, \
          statistics and custom blocks. Names and secrets precede the packets that may need them, in each output file.
          """),
        .paragraph(
          """
          The file of -w is in pcapng format if its name ends in `.pcapng`, and compressed if the name ends in `.gz` or `.zst`. It is \
          called <name>`.part` until it is complete. Rotation never overwrites a file, except in a `-C -W` ring: the new file gets a number. \
          The program of -z may have arguments (`-z 'gzip -9'`, without a shell), and also runs for the last file. Unlike tcpdump, apus \
          waits for these programs before it exits, to report their failures; Ctrl-C leaves them running. With -G, files end on \
          multiples of the interval on the local clock, even while no packets arrive, and `%` in the name is that of strftime(3).
          """),
        .paragraph(
          """
          The durations of -G, `-a duration:`, --last, --disorder, --stats-interval, --ledger and --proof-timeout are seconds, or numbers with \
          units: `90s`, `5m`, `1h30m`, `2d`. The sizes of -C (millions of bytes), `-a filesize:` (kB), -B (KiB) and -s (bytes) may have the \
          units `k`, `m` and `g` or KiB, MiB and GiB (powers of 1024), or kB, MB and GB (powers of 1000).
          """),
        .paragraph(
          """
          If packets cannot be written, for whatever reason, apus reports how many packets are in the file and how many are lost, truncates \
          the file after the last complete packet, and exits with status 1. Each write consists of complete packets.
          """),
      ]),
    ManualSection(
      title: "Live capture",
      blocks: [
        .paragraph(
          """
          The filter is also installed in the kernel, so that unwanted packets are not copied. Each packet that arrives is filtered again, so \
          that a live capture and the file it wrote agree. If the kernel rejects the program, apus reports that and captures without it.
          """),
        .paragraph(
          """
          Packets are delivered within 100 ms (20 ms with several interfaces, 1 ms with --immediate-mode or if text goes to a \
          terminal). Output is flushed whenever the link goes idle; -l and -U flush after every packet, or after every batch if packets \
          arrive faster than they are written.
          """),
        .paragraph(
          """
          Several interfaces (repeat -i) are captured together, in time order. If an interface is missing, goes down or is removed, the \
          capture ends with status 1; with --wait-interface, apus waits for it and marks the gap.
          """),
        .paragraph(
          """
          --netns captures in another network namespace: one that ip-netns(8) lists, that of a process by its number, or a file. Interfaces \
          are those of the namespace; files are those of the namespace in which apus was started. This needs CAP_SYS_ADMIN, and \
          CAP_SYS_PTRACE for a process of another user.
          """),
        .paragraph(
          """
          Network interfaces are captured through a packet ring of the kernel (TPACKET_V3), and capture files are read by apus itself. \
          libpcap is used for everything else: netfilter, USB, Bluetooth, monitor mode, other clocks, and interfaces without a ring. With \
          --engine libpcap it is used for everything, with the same packets; what libpcap does not report is then missing: the direction, \
          except in cooked headers and with -Q, and the interfaces and comments of a pcapng file. -v and --version report the engine.
          """),
      ]),
    ManualSection(
      title: "Ledger",
      blocks: [
        .paragraph(
          """
          With --ledger, and on SIGUSR1, apus prints an account of all packets on standard error. For each interface, <received> is the sum \
          of <dropped> by the kernel, <waiting>, <filtered>, <skipped> and <kept>; for each output, <kept> is the sum of <written> or \
          <printed> and <lost>. The equations are always checked: if one does not hold, the ledger is printed and the exit status is 1.
          """)
      ]),
    ManualSection(
      title: "Statistics",
      blocks: [
        .paragraph(
          """
          With --stats, packets and their bytes on the wire are counted instead of printed; the counts are printed at the end, on SIGUSR1, and \
          every --stats-interval seconds. A packet counts once, by its outermost IP header: tunnels count between their endpoints, ICMP errors \
          between their sender and receiver, later fragments without ports, and packets without IP between Ethernet addresses; the protocol \
          tree continues into tunnels. Among endpoints and ports a packet counts for its source and for its destination, and only once if both \
          are the same, as on a loopback interface. --sort selects what comes first. On a terminal, tables fit its width and numbers have units; \
          with --stats-interval each report replaces the one before and adds the rates since then. When a table is full, its rows stay exact, and packets without a row are counted as others.
          """)
      ]),
    ManualSection(
      title: "Processes",
      blocks: [
        .paragraph(
          """
          With --process, text ends in the processes that send and receive the packet, JSON has a member for them, and a pcapng file of -w keeps \
          them. eBPF programs follow the sockets of all processes; they are attached before the sandbox is entered and go with apus. This needs \
          CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON; without the first two, another process scans the open sockets once a second at most. Packets \
          that the kernel sends by itself have no process. pid, comm, uid, cgroup and container in a filter choose packets by process: where it is \
          not known, none of them is true.
          """),
        .paragraph(
          """
          --run runs the rest of the line as a command in a control group of its own, and captures only what it and its children send and \
          receive. It has the standard streams of apus, and under sudo(8) the user who called that; apus exits with its exit status.
          """),
      ]),
    ManualSection(
      title: "Privilege",
      blocks: [
        .paragraph(
          """
          To capture, apus needs CAP_NET_RAW and, for most interfaces, CAP_NET_ADMIN; reading capture files needs no privileges. To let \
          users other than root capture, grant the program these capabilities with
          """),
        .command("setcap cap_net_raw,cap_net_admin=eip /usr/local/bin/apus"),
        .paragraph(
          """
          Once its sources and outputs are open, and before it reads from them, apus drops every capability, access to files that it does not \
          need (landlock(7)) and system calls that it does not need (seccomp(2)). Started as root, it also becomes another user: that of \
          -Z; for rotating files, the owner of their folder; otherwise nobody. With `-Z root` it stays root, without privileges. \
          --no-sandbox disables all of this except -Z. --version reports what the kernel supports.
          """),
      ]),
    ManualSection(
      title: "Proofs",
      blocks: [
        .paragraph(
          """
          --witness, --compare, --compare-bytecode and --verify-optimizer run the program z3, which must be installed, for at most \
          --proof-timeout seconds. Its packets are shown only after they have been run through the filter. --graph runs graphviz (the \
          program dot) for images.
          """)
      ]),
  ]

  static let conclusion = [
    ManualSection(
      title: "Exit status",
      blocks: [
        .item("`0`", "Success; --compare and --verify-optimizer: the filters are equal."),
        .item(
          "`1`",
          """
          Something failed: a capture file could not be read to its end, an expression is invalid, the disk is full, an option is unknown. \
          The last lines on standard error name the cause. --compare: the filters differ.
          """),
        .item(
          "`2`",
          """
          --recover skipped damaged parts, and everything else was read. --compare and --verify-optimizer: undecided.
          """),
        .item(
          "others",
          "With --run: that of the command; 128 plus the number of the signal that ended it, 127 if it was not found, 126 if it could not be run."
        ),
      ]),
    ManualSection(
      title: "Signals",
      blocks: [
        .item(
          "SIGINT, SIGTERM, SIGHUP",
          "The first ends the capture once the packets that have arrived are processed; the second ends it at once. SIGHUP is ignored under nohup(1)."
        ),
        .item("SIGUSR1", "Print the ledger, and statistics if --stats is given."),
        .item("SIGUSR2", "Start the next file of -w, if files rotate."),
        .item("SIGPIPE", "Ignored; apus exits quietly when standard output is closed."),
      ]),
    ManualSection(
      title: "Environment",
      blocks: [
        .item("`TZ`", "The time zone of printed times and of file names with `%`; see tzset(3)."),
        .item("`NO_COLOR`", "If it is not empty, --color=auto disables colours."),
        .item("`TERM`", "If it is `dumb` or missing, --color=auto disables colours."),
        .item("`PATH`", "Directories of z3, dot, the program of -z and the command of --run."),
        .item(
          "`SUDO_UID`, `SUDO_GID`, `SUDO_USER`", "The user that the command of --run runs as, as sudo(8) sets them."),
      ]),
    ManualSection(
      title: "Files",
      blocks: [
        .item("`/etc/hosts`, `/etc/ethers`, `/etc/networks`", "Names of addresses, for output and filters."),
        .item("`/etc/services`, `/etc/protocols`", "Names of ports and IP protocols, for output and filters."),
        .item("`/etc/localtime`", "The time zone, if TZ is not set."),
      ]),
    ManualSection(
      title: "Examples",
      blocks: [
        .paragraph("Print the traffic of a host, except your own ssh session:"),
        .command("apus -i eth0 -nn 'host 192.0.2.1 and not port 22'"),
        .paragraph("Capture a hundred DNS packets into a file:"),
        .command("apus -i eth0 -c 100 -w trace.pcap udp port 53"),
        .paragraph("Print the packets of another host:"), .command("ssh host apus -i eth0 -w - tcp | apus -nn -r -"),
        .paragraph("Keep a ring of ten files of 100 MiB:"), .command("apus -i eth0 -C 100m -W 10 -w ring.pcap"),
        .paragraph("Write a file every hour and compress it when it is complete:"),
        .command("apus -i eth0 -G 3600 -w 'eth0-%Y%m%d-%H%M.pcap' -z zstd"),
        .paragraph("Count the packets of one minute in two files:"),
        .command("apus --count --merge -r a.pcap -r b.pcapng --from 12:00 --to 12:01 tcp"),
        .paragraph("Print the packets that open and close connections, with dates:"),
        .command("apus -nn -tttt -r trace.pcap 'tcp[tcpflags] & (tcp-syn|tcp-fin) != 0'"),
        .paragraph("Explain why packets match, or do not:"),
        .command("apus --explain=summary -r trace.pcap 'icmp or tcp port 80'"),
        .paragraph("Show a compiled filter, as text and as a graph:"),
        .command("apus -d tcp dst port 80\napus --graph svg tcp > tcp.svg"),
        .paragraph("Compile a filter to eBPF for XDP:"),
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
          apus does not decrypt packets: tcpdump's options E and M are not supported. --list-link-types \
          lists the link types that it prints; packets of all others are printed as bytes in hex.
          """)
      ]),
  ]
}
