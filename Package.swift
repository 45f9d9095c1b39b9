// swift-tools-version: 6.3
import PackageDescription

/// The strict settings with which every target is compiled.
let strict: [SwiftSetting] =
  [
    .enableExperimentalFeature("Lifetimes"),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .strictMemorySafety(),
    // A user's newer compiler may have new warnings, so warnings are errors only in the project's own CI.
  ] + (Context.environment["CI"] == nil ? [] : [.treatAllWarnings(as: .error)])

/// The program uses no regular expressions: their code would make up a seventh of it, and would be loaded at every start.
///
/// In a release each function has its own section, so that the linker can remove or move it. Equal functions are not merged: what they are
/// merged into has no name by which it could be moved.
let lean: [SwiftSetting] =
  strict + [
    .unsafeFlags(["-Xfrontend", "-disable-implicit-string-processing-module-import"]),
    .unsafeFlags(
      ["-function-sections", "-disable-llvm-merge-functions-pass"].flatMap { ["-Xfrontend", $0] },
      .when(configuration: .release)),
  ]

/// The tests spend most of their time in these targets. Where the project tests itself they are optimised in debug builds as well, which
/// saves several times the time that it costs.
let optimizedInCI: [SwiftSetting] =
  Context.environment["CI"] == nil
  ? [] : [.unsafeFlags(["-O", "-whole-module-optimization", "-num-threads", "2"], .when(configuration: .debug))]

/// The functions that are placed first.
let startupOrder = "--symbol-ordering-file=\(Context.packageDirectory)/Sources/apus/Linking/startup-order.txt"
let symbols = Context.environment["APUS_SYMBOLS"] == nil ? ["-s"] : []

/// How the program is linked.
///
/// Every symbol is bound at start, and the table of symbols is read-only from then on. The program exports no symbols, so that the linker
/// has fewer to compare with those of the libraries.
///
/// A release keeps no other symbols either (except with APUS_SYMBOLS in the environment), and no functions that are never called. It starts
/// in two thirds of the time because there is less for the dynamic linker to do: relocations are packed (some hundred pages that are not
/// read), and the libraries of C++ and of the compiler are linked statically (see `Sources/apus/Linking`). The functions that short runs
/// call are next to each other, which saves a third of their memory (`.ci/startup_order.py`).
let linking: [LinkerSetting] = [
  .unsafeFlags(["-z", "now", "-z", "relro", "--no-export-dynamic"].flatMap { ["-Xlinker", $0] }),
  .unsafeFlags(
    ["-use-ld=lld", "-L\(Context.packageDirectory)/Sources/apus/Linking", "-Xclang-linker", "-static-libgcc"]
      + (["--gc-sections", "-z", "pack-relative-relocs", "--no-warn-symbol-ordering", startupOrder] + symbols)
      .flatMap { ["-Xlinker", $0] },
    .when(configuration: .release)),
]

/// A library target of the project: `Sources/<name>`.
func library(_ name: String, _ dependencies: [Target.Dependency] = [], isOptimized: Bool = false) -> Target {
  .target(name: name, dependencies: dependencies, swiftSettings: lean + (isOptimized ? optimizedInCI : []))
}

/// The tests of one target: `Tests/<name>Tests`.
func tests(of name: String, _ dependencies: [Target.Dependency] = []) -> Target {
  .testTarget(
    name: "\(name)Tests", dependencies: [.byName(name: name), "TestSupport"] + dependencies,
    swiftSettings: strict)
}

let package = Package(
  name: "apus",
  products: [.executable(name: "apus", targets: ["apus"])],
  targets: [
    // Not linked: loaded when it is needed.
    .systemLibrary(name: "CPcap", providers: [.apt(["libpcap-dev"])]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .systemLibrary(name: "CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),
    .systemLibrary(name: "CLZ4", pkgConfig: "liblz4", providers: [.apt(["liblz4-dev"])]),
    library("PacketCore", isOptimized: true),
    library("Names", ["PacketCore"]),
    library("BPF", ["PacketCore"], isOptimized: true),
    library("EBPF", ["BPF", "PacketCore"]),
    .systemLibrary(name: "CLinux"),
    library("Filter", ["BPF", "CLinux", "Names", "PacketCore"], isOptimized: true),
    library("Proof", ["BPF", "PacketCore"]),
    library("Sandbox", ["BPF", "CLinux"]),
    library("Savefile", ["CLZ4", "CLinux", "CZlib", "CZstd", "PacketCore"]),
    library("Capture", ["BPF", "CLinux", "CPcap", "EBPF", "PacketCore"]),
    library("Processes", ["BPF", "CLinux", "EBPF", "PacketCore", "Sandbox"]),
    library("Dissect", ["Names", "PacketCore"]),
    library("DissectLink", ["Dissect", "PacketCore"]),
    library("DissectRouting", ["Dissect", "PacketCore"]),
    library("DissectWireless", ["Dissect", "PacketCore"]),
    library("DissectApplication", ["Dissect", "Names", "PacketCore"]),
    library(
      "Protocols",
      ["Dissect", "DissectApplication", "DissectLink", "DissectRouting", "DissectWireless", "Names", "PacketCore"]),
    library("Statistics", ["Dissect", "PacketCore", "Protocols"]),
    library(
      "ApusCLI",
      [
        "BPF", "Capture", "Dissect", "EBPF", "Filter", "Names", "PacketCore", "Processes", "Proof", "Protocols",
        "Sandbox", "Savefile", "Statistics",
      ]),
    .executableTarget(
      name: "apus", dependencies: ["ApusCLI"], exclude: ["Linking"], swiftSettings: strict, linkerSettings: linking),
    .executableTarget(
      name: "apus-bench",
      dependencies: ["BPF", "CLinux", "CPcap", "EBPF", "PacketCore", "Savefile", "TestSupport"],
      swiftSettings: strict
    ),
    .executableTarget(
      name: "apus-fuzz",
      dependencies: [
        "ApusCLI", "BPF", "EBPF", "Filter", "Names", "PacketCore", "Proof", "Protocols", "TestSupport", "Dissect",
        "Savefile",
      ],
      swiftSettings: strict),
    .target(
      name: "TestSupport", dependencies: ["BPF", "CLinux", "CPcap", "EBPF", "PacketCore", "Savefile"],
      path: "Tests/TestSupport",
      swiftSettings: strict + optimizedInCI, linkerSettings: [.linkedLibrary("pcap")]),
    .testTarget(
      name: "TestSupportTests", dependencies: ["TestSupport", "BPF", "PacketCore"], swiftSettings: strict),
    tests(of: "PacketCore", ["CPcap"]),
    tests(of: "Names", ["PacketCore"]),
    tests(of: "BPF", ["PacketCore", "CPcap"]),
    tests(of: "EBPF", ["BPF", "PacketCore"]),
    tests(of: "Proof", ["BPF", "Filter", "PacketCore"]),
    .executableTarget(
      name: "sandbox-probe", dependencies: ["BPF", "CLinux", "Processes", "Sandbox"], path: "Tests/SandboxProbe",
      swiftSettings: strict),
    tests(of: "Sandbox", ["BPF", "CLinux", "PacketCore", "sandbox-probe"]),
    tests(of: "Filter", ["BPF", "Names", "PacketCore", "Savefile", "CPcap"]),
    tests(of: "Savefile", ["PacketCore"]),
    tests(of: "Capture", ["BPF", "EBPF", "Filter", "PacketCore"]),
    tests(of: "Processes", ["Capture", "EBPF", "PacketCore"]),
    tests(of: "Dissect", ["ApusCLI", "PacketCore", "Protocols", "Savefile"]),
    tests(of: "Statistics", ["Dissect", "PacketCore", "Protocols", "Savefile"]),
    tests(of: "ApusCLI", ["Capture", "Dissect", "PacketCore", "Protocols", "Sandbox", "Statistics"]),
  ],
  swiftLanguageModes: [.v6]
)
