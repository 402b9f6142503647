// Package procgroup gives a program that is run a process group of its own, so
// that whatever it starts can be ended together with it. A descendant that leaves
// the group (by setsid, as daemons do) is out of reach.
package procgroup
