/// Service access points of IEEE 802.2, as numbers of the width that a module uses.
@usableFromInline
package enum ServiceAccessPoints<Number: FixedWidthInteger & Sendable> {
  @inlinable package static var ipv4: Number { 0x06 }
  @inlinable package static var spanningTree: Number { 0x42 }
  @inlinable package static var snap: Number { 0xaa }
  @inlinable package static var ipx: Number { 0xe0 }
  @inlinable package static var netBEUI: Number { 0xf0 }
  @inlinable package static var osi: Number { 0xfe }
}
