import ApusCLI
import Glibc

/// C's `main`: SwiftPM compiles an executable so that its entry is called MODULE_main, and has the linker call that `main`.
///
/// Swift's own entry, `@main`, hands no arguments over, and `CommandLine` has none where /proc cannot be read: in a chroot, or in the
/// mount namespace of a container that is entered from outside.
@c(apus_main)
public func main(count: CInt, vector: UnsafePointer<UnsafeMutablePointer<CChar>?>?) -> CInt {
  ApusCommandLine.main(unsafe ArgumentList(count: count, vector).arguments)
}
