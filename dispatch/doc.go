// Package dispatch holds a job's message and every way of sending it.
//
// It is the leaf of the house: it depends on no other package of this module,
// so a program that only sends jobs links nothing of the Lambda runtime or of
// the console.
package dispatch
