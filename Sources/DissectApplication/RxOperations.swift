import Dissect

/// An argument or result of a remote procedure of AFS, as laid out in the body (XDR, RFC 4506), and the word written before it; no word if
/// that is empty.
enum RxItem {
  /// Numbers: four bytes signed, four bytes unsigned, eight bytes.
  case int(StaticString)
  case number(StaticString)
  case long(StaticString)
  /// A length, and text of at most `maximum` bytes.
  case text(StaticString, maximum: Int = 256)
  /// Text with this number of characters, each in a word of four bytes.
  case wideText(StaticString, Int)
  /// A file: volume, vnode and uniquifier.
  case file(StaticString = "")
  /// Seconds since 1970.
  case date(StaticString)
  /// Two numbers with a dot between them.
  case version(StaticString)
  /// A universally unique identifier; each of its last eight bytes has a word of its own.
  case uuid(StaticString)
  /// The kind of volume.
  case volumeType
  /// The changes to a file: which members, and their values.
  case status
  /// An access control list as text.
  case accessList
  /// A destination server: three numbers.
  case server
  /// Whether the sender is the synchronization site.
  case isSyncSite
  /// Only a title.
  case word(StaticString)
  /// Lists: the number of elements, then the elements.
  case files
  case identifiers(StaticString)
  case names
  case servers
  case volumes
  /// One element of `volumes`.
  case volume
  /// An entry of the volume location database with room for `places` servers; in the newest form servers have unique identifiers.
  case volumeEntry(places: Int, hasReserved: Bool, hasUUIDs: Bool)
}

/// A remote procedure: its name, and which of its arguments and results are shown.
struct RxOperation {
  let name: StaticString
  let call: [RxItem]
  let reply: [RxItem]

  init(_ name: StaticString, _ call: [RxItem] = [], reply: [RxItem] = []) {
    self.name = name
    self.call = call
    self.reply = reply
  }
}

/// A service of AFS, identified by its UDP port.
struct RxService {
  let name: StaticString
  /// Its truncation mark.
  let mark: StaticString
  let operations: [UInt32: RxOperation]
  /// Ubik replicates the database of the service, so the service also has Ubik's procedures.
  var hasUbik = false

  /// The service of a port; nil if its procedures are not shown.
  static func ofPort(_ port: UInt16) -> RxService? {
    switch port {
    case 7000: fileServer
    case 7001: callbacks
    case 7002: protection
    case 7003: volumeLocation
    case 7004: authentication
    case 7005: volumes
    case 7007: basicOverseer
    default: nil
    }
  }

  private static let fileServer = RxService(
    name: "fs", mark: "fs",
    operations: [
      130: RxOperation("fetch-data", [.file(), .number("offset"), .number("length")]),
      131: RxOperation("fetch-acl", [.file()], reply: [.accessList]),
      132: RxOperation("fetch-status", [.file()]),
      133: RxOperation(
        "store-data", [.file(), .status, .number("offset"), .number("length"), .number("flen")]),
      134: RxOperation("store-acl", [.file(), .accessList]), 135: RxOperation("store-status", [.file(), .status]),
      136: RxOperation("remove-file", [.file(), .text("")]),
      137: RxOperation("create-file", [.file(), .text(""), .status], reply: newFile),
      138: RxOperation("rename", [.file("old"), .text(""), .file("new"), .text("")]),
      139: RxOperation("symlink", [.file(), .text(""), .text("link to")]),
      140: RxOperation("link", [.file(), .text(""), .file("link to")]),
      141: RxOperation("makedir", [.file(), .text(""), .status], reply: newFile),
      142: RxOperation("rmdir", [.file(), .text("")]), 143: RxOperation("oldsetlock", [.file()]),
      144: RxOperation("oldextlock", [.file()]), 145: RxOperation("oldrellock", [.file()]),
      146: RxOperation("get-stats"), 147: RxOperation("give-cbs"), 148: RxOperation("get-vlinfo", [.text("")]),
      149: RxOperation("get-vlstats", [.number("volid")]), 150: RxOperation("set-vlstats", [.number("volid")]),
      151: RxOperation("get-rootvl", reply: [.text("root volume")]), 152: RxOperation("check-token"),
      153: RxOperation("get-time", reply: [.date("")]), 154: RxOperation("nget-vlinfo", [.text("volname")]),
      155: RxOperation("bulk-stat", [.files]), 156: RxOperation("setlock", [.file()]),
      157: RxOperation("extlock", [.file()]), 158: RxOperation("rellock", [.file()]), 159: RxOperation("xstat-ver"),
      160: RxOperation("get-xstat"), 161: RxOperation("dfs-lookup"), 162: RxOperation("dfs-flushcps"),
      163: RxOperation("dfs-symlink"), 220: RxOperation("residency"),
      65536: RxOperation("inline-bulk-status", [.files]),
      65537: RxOperation("fetch-data-64", [.file(), .long("offset"), .long("length")]),
      65538: RxOperation(
        "store-data-64", [.file(), .status, .long("offset"), .long("length"), .long("flen")]),
      65539: RxOperation("give-up-all-cbs"), 65540: RxOperation("get-caps"),
      65541: RxOperation("cb-rx-conn-addr", [.number("addr")]),
    ])
  private static let newFile: [RxItem] = [.file("new")]

  private static let callbacks = RxService(
    name: "cb", mark: "cb",
    operations: [
      204: RxOperation("callback", [.files]), 205: RxOperation("initcb"), 206: RxOperation("probe"),
      207: RxOperation("getlock"), 208: RxOperation("getce"), 209: RxOperation("xstatver"),
      210: RxOperation("getxstat"), 211: RxOperation("initcb2"), 212: RxOperation("whoareyou"),
      213: RxOperation("initcb3", reply: [.uuid("")]), 214: RxOperation("probeuuid", [.uuid("afsuuid")]),
      215: RxOperation("getsrvprefs"), 216: RxOperation("getcellservdb"), 217: RxOperation("getlocalcell"),
      218: RxOperation("getcacheconf"), 65536: RxOperation("getce64"), 65537: RxOperation("getcellbynum"),
      65538: RxOperation("tellmeaboutyourself"),
    ])

  private static let protection = RxService(
    name: "pt", mark: "pt",
    operations: [
      500: RxOperation("new-user", [.text("", maximum: 64), .int("id"), .int("oldid")]),
      501: RxOperation("where-is-it", [.int("id")]), 502: RxOperation("dump-entry", [.int("pos")]),
      503: RxOperation("add-to-group", [.int("uid"), .int("gid")]),
      504: RxOperation("name-to-id", [.names], reply: [.identifiers("ids:")]),
      505: RxOperation("id-to-name", [.identifiers("ids:")], reply: [.names]),
      506: RxOperation("delete", [.int("id")]),
      507: RxOperation("remove-from-group", [.int("uid"), .int("gid")]),
      508: RxOperation("get-cps", [.int("id")], reply: [.identifiers("")]),
      509: RxOperation("new-entry", [.text("", maximum: 64), .int("flag"), .int("oid")]),
      510: RxOperation("list-max", reply: [.int("maxuid"), .int("maxgid")]),
      511: RxOperation("set-max", [.int("id"), .int("gflag")]), 512: RxOperation("list-entry", [.int("id")]),
      513: RxOperation(
        "change-entry", [.int("id"), .text("", maximum: 64), .int("oldid"), .int("newid")]),
      514: RxOperation("list-elements", [.int("id")], reply: [.identifiers("")]),
      515: RxOperation("same-mbr-of", [.int("uid"), .int("gid")]), 516: RxOperation("set-fld-sentry"),
      517: RxOperation("list-owned", [.int("id")], reply: [.identifiers("")]),
      518: RxOperation("get-cps2", [.int("id")], reply: [.identifiers("")]),
      519: RxOperation("get-host-cps", [.int("id")], reply: [.identifiers("")]),
      520: RxOperation("update-entry", [.int("id"), .text("", maximum: 64)]), 521: RxOperation("list-entries"),
      530: RxOperation("list-super-groups", [.int("id")]),
    ], hasUbik: true)

  private static let volumeLocation = RxService(
    name: "vldb", mark: "vldb",
    operations: [
      501: RxOperation("create-entry", [.wideText("", 65)]),
      502: RxOperation("delete-entry", [.int("volid"), .volumeType]),
      503: RxOperation("get-entry-by-id", [.int("volid"), .volumeType], reply: [entry]),
      504: RxOperation("get-entry-by-name", [.text("")], reply: [entry]),
      505: RxOperation("get-new-volume-id", [.int("bump")], reply: [.number("newvol")]),
      506: RxOperation("replace-entry", [.int("volid"), .volumeType, .wideText("", 65)]),
      507: RxOperation("update-entry", [.int("volid"), .volumeType]),
      508: RxOperation("setlock", [.int("volid"), .volumeType]),
      509: RxOperation("releaselock", [.int("volid"), .volumeType]),
      510: RxOperation("list-entry", [.int("index")], reply: [.int("count"), .int("nextindex"), entry]),
      511: RxOperation("list-attrib"), 512: RxOperation("linked-list"), 513: RxOperation("get-stats"),
      514: RxOperation("probe"), 515: RxOperation("get-addrs"), 516: RxOperation("change-addr"),
      517: RxOperation("create-entry-n", [.wideText("", 65)]),
      518: RxOperation("get-entry-by-id-n", [.int("volid"), .volumeType], reply: [entryN]),
      519: RxOperation("get-entry-by-name-n", [.text("")], reply: [entryN]),
      520: RxOperation("replace-entry-n", [.int("volid"), .volumeType, .wideText("", 65)]),
      521: RxOperation("list-entry-n", [.int("index")], reply: [.int("count"), .int("nextindex"), entryN]),
      522: RxOperation("list-attrib-n"), 523: RxOperation("linked-list-n"),
      524: RxOperation("update-entry-by-name", [.text("")]), 525: RxOperation("create-entry-u"),
      526: RxOperation("get-entry-by-id-u", reply: [entryU]),
      527: RxOperation("get-entry-by-name-u", [.text("")], reply: [entryU]), 528: RxOperation("replace-entry-u"),
      529: RxOperation("list-entry-u", reply: [.int("count"), .int("nextindex"), entryN]),
      530: RxOperation("list-attrib-u"), 531: RxOperation("linked-list-u"), 532: RxOperation("regaddr"),
      533: RxOperation("get-addrs-u"), 534: RxOperation("list-attrib-n2"),
    ], hasUbik: true)
  private static let entry = RxItem.volumeEntry(places: 8, hasReserved: true, hasUUIDs: false)
  private static let entryN = RxItem.volumeEntry(places: 13, hasReserved: false, hasUUIDs: false)
  private static let entryU = RxItem.volumeEntry(places: 13, hasReserved: false, hasUUIDs: true)

  private static let principal: [RxItem] = [.text("principal", maximum: 64), .text("", maximum: 64)]
  private static let ticket: [RxItem] =
    [.int("kvno"), .text("domain", maximum: 64)] + principal

  private static let authentication = RxService(
    name: "kauth", mark: "kauth",
    operations: [
      1: RxOperation("auth-old", principal), 2: RxOperation("change-pw", principal),
      3: RxOperation("get-ticket-old", ticket), 4: RxOperation("set-pw", principal + [.int("kvno")]),
      5: RxOperation("set-fields", principal), 6: RxOperation("create-user", principal),
      7: RxOperation("delete-user", principal), 8: RxOperation("get-entry", principal), 9: RxOperation("list-entry"),
      10: RxOperation("get-stats"), 11: RxOperation("debug"), 12: RxOperation("get-pw", [.text("name", maximum: 64)]),
      13: RxOperation("get-random-key"), 14: RxOperation("unlock", principal),
      15: RxOperation("lock-status", principal), 21: RxOperation("authenticate", principal),
      22: RxOperation("authenticate-v2", principal), 23: RxOperation("get-ticket", ticket),
    ], hasUbik: true)

  private static let volumes = RxService(
    name: "vol", mark: "vol",
    operations: [
      100: RxOperation(
        "create-volume", [.number("partition"), .text("name"), .number("type"), .number("parent")],
        reply: [.number("volid"), .number("trans")]),
      101: RxOperation("delete-volume", [.number("trans")]),
      102: RxOperation("restore", [.number("totrans"), .number("flags")]),
      103: RxOperation(
        "forward", [.number("fromtrans"), .date("fromdate"), .server, .number("desttrans")]),
      104: RxOperation("end-trans", [.number("trans")], reply: [.number("")]),
      105: RxOperation(
        "clone", [.number("trans"), .number("purgevol"), .number("newtype"), .text("newname")],
        reply: [.number("newvol")]),
      106: RxOperation("set-flags", [.number("trans"), .number("flags")]),
      107: RxOperation("get-flags", [.number("trans")], reply: [.number("")]),
      108: RxOperation(
        "trans-create", [.number("vol"), .number("partition"), .number("flags")], reply: [.number("trans")]),
      109: RxOperation("dump", [.number("fromtrans"), .date("fromdate")]),
      110: RxOperation(
        "get-nth-volume", [.number("index")], reply: [.number("volume"), .number("partition")]),
      111: RxOperation("set-forwarding", [.number("tid"), .number("newsite")]),
      112: RxOperation("get-name", [.word("tid")], reply: [.text("")]),
      113: RxOperation(
        "get-status", [.word("tid")],
        reply: [
          .number("volid"), .number("nextuniq"), .number("type"), .number("parentid"), .number("clone"),
          .number("backup"), .number("restore"), .number("maxquota"), .number("minquota"),
          .number("owner"), .date("create"), .date("access"), .date("update"), .date("expire"),
          .date("backup"), .date("copy"),
        ]),
      114: RxOperation("sig-restore", [.text("name"), .number("type"), .number("pid"), .number("cloneid")]),
      115: RxOperation("list-partitions"),
      116: RxOperation("list-volumes", [.number("partition"), .number("flags")], reply: [.volumes]),
      117: RxOperation(
        "set-id-types",
        [.number("tid"), .text("name"), .number("type"), .number("pid"), .number("clone"), .number("backup")]
      ),
      118: RxOperation("monitor"), 119: RxOperation("partition-info", [.text("name")]),
      120: RxOperation("reclone", [.number("tid")]),
      121: RxOperation("list-one-volume", [.number("partid"), .number("volid")], reply: [.volumes]),
      122: RxOperation("nuke", [.number("partid"), .number("volid")]),
      123: RxOperation("set-date", [.number("tid"), .date("date")]),
      124: RxOperation("x-list-volumes", [.number("partid"), .number("volid")]),
      125: RxOperation("x-list-one-volume", [.number("partid"), .number("volid")]),
      126: RxOperation("set-info", [.number("tid")]), 127: RxOperation("x-list-partitions"),
      128: RxOperation("forward-multiple", [.number("fromtrans"), .date("fromdate"), .servers]),
      65536: RxOperation("convert-ro", [.number("partid"), .number("volid")]), 65537: RxOperation("get-size"),
      65538: RxOperation("dump-v2", [.number("fromtrans"), .date("fromdate"), .number("flags")]),
    ])

  private static let oneName: [RxItem] = [.text("")]

  private static let basicOverseer = RxService(
    name: "bos", mark: "bos",
    operations: [
      80: RxOperation("create-bnode", [.text("type"), .text("instance")]), 81: RxOperation("delete-bnode", oneName),
      82: RxOperation("set-status", oneName + [.number("status")]), 83: RxOperation("get-status", oneName),
      84: RxOperation("enumerate-instance", [.number("")]), 85: RxOperation("get-instance-info", oneName),
      86: RxOperation("get-instance-parm", oneName + [.number("num")]), 87: RxOperation("add-superuser", oneName),
      88: RxOperation("delete-superuser", oneName), 89: RxOperation("list-superusers", [.number("")]),
      90: RxOperation("list-keys", [.number("")]), 91: RxOperation("add-key", [.number("")]),
      92: RxOperation("delete-key", [.number("")]), 93: RxOperation("set-cell-name", oneName),
      94: RxOperation("get-cell-name"), 95: RxOperation("get-cell-host", [.number("")]),
      96: RxOperation("add-cell-host", oneName), 97: RxOperation("delete-cell-host", oneName),
      98: RxOperation("set-t-status", oneName + [.number("status")]), 99: RxOperation("shutdown-all"),
      100: RxOperation("restart-all"), 101: RxOperation("startup-all"), 102: RxOperation("set-noauth-flag"),
      103: RxOperation("re-bozo"), 104: RxOperation("restart", oneName),
      105: RxOperation(
        "start-bozo-install", oneName + [.number("size"), .number("flags"), .number("date")]),
      106: RxOperation("uninstall", oneName), 107: RxOperation("get-dates"), 108: RxOperation("exec", oneName),
      109: RxOperation("prune"), 110: RxOperation("set-restart-time"), 111: RxOperation("get-restart-time"),
      112: RxOperation("start-bozo-log", oneName), 113: RxOperation("wait-all"),
      114: RxOperation("get-instance-strings", oneName), 115: RxOperation("get-restricted"),
      116: RxOperation("set-restricted"),
    ])

  private static let transaction = RxItem.version("tid")

  /// Procedures of Ubik, which replicates databases: votes, and changes of files.
  static let ubik = RxService(
    name: "ubik", mark: "ubik",
    operations: [
      10000: RxOperation(
        "vote-beacon", [.isSyncSite, .date("votestart"), .version("dbversion"), transaction]),
      10001: RxOperation("vote-debug-old"), 10002: RxOperation("vote-sdebug-old"),
      10003: RxOperation("vote-getsyncsite", [.number("site")]), 10004: RxOperation("vote-debug"),
      10005: RxOperation("vote-sdebug"), 10006: RxOperation("vote-xdebug"), 10007: RxOperation("vote-xsdebug"),
      20000: RxOperation("disk-begin", [transaction]), 20001: RxOperation("disk-commit", [transaction]),
      20002: RxOperation(
        "disk-lock", [transaction, .number("file"), .number("pos"), .number("length")]),
      20003: RxOperation("disk-write", [transaction, .number("file"), .number("pos")]),
      20004: RxOperation("disk-getversion", reply: [.version("dbversion")]),
      20005: RxOperation("disk-getfile", [.number("file")]),
      20006: RxOperation("disk-sendfile", [.number("file"), .number("length"), .version("dbversion")]),
      20007: RxOperation("disk-abort", [transaction]), 20008: RxOperation("disk-releaselocks", [transaction]),
      20009: RxOperation("disk-truncate", [transaction, .number("file"), .number("length")]),
      20010: RxOperation("disk-probe", [transaction]), 20011: RxOperation("disk-writev"),
      20012: RxOperation(
        "disk-interfaceaddr", [transaction, .version("oldversion"), .version("newversion")]),
      20013: RxOperation("disk-setversion"),
    ])
}
