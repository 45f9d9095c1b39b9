import ApusCLI
import Glibc

/// C's `main`: SwiftPM compiles an executable so that its entry point is named MODULE_main, and makes the linker call that `main`.
///
/// Swift's own entry point, `@main`, does not pass arguments, and `CommandLine` has none if /proc cannot be read: in a chroot, or in the
/// mount namespace of a container that is entered from outside.
@c(apus_main)
public func main(count: CInt, vector: UnsafePointer<UnsafeMutablePointer<CChar>?>?) -> CInt {
  ApusCommandLine.main(unsafe ArgumentList(count: count, vector).arguments)
}
