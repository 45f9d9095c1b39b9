import ApusCLI

@main
struct Main {
  static func main() { ApusCommandLine.main() }
}
