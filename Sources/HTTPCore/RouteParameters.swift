/// The segments of a path that stood for parameters, as they came: percent-encoded.
package struct RouteParameters: Sendable {
    /// The parameter of the router's scope (the layer in `/layers/{layer}/…`); nil outside of it.
    package var scope: ArraySlice<UInt8>? { fatalError("follows") }
    /// The parameter at `position` in the route's pattern, from 0; that of the scope does not count.
    package subscript(position: Int) -> ArraySlice<UInt8> { fatalError("follows") }
}
