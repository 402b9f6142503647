// Package aws reads a deployed stage and acts upon it: which workers it has,
// how deep their queues are, and the guard every write passes.
//
// It knows no screen. Import the SDK's package of the same name as awssdk.
package aws
