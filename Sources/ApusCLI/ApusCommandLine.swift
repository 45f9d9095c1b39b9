/// The command line's entry.
public enum ApusCommandLine {
  public static func main() {}
}
