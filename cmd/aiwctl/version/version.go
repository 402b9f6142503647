// Package version says which aiwctl this is. It imports nothing: package early needs
// it before anything is initialised.
package version

// Number is the version of this source. A release is tagged with it, after a "v".
const Number = "0.1.0-dev"
