// Package wire is the plumbing of the AWS protocols that the local endpoint
// speaks: AWS JSON 1.0 and 1.1 (SQS, CloudWatch Logs), RPC v2 CBOR (CloudWatch),
// REST-JSON (Lambda) and Query (STS). It reads requests within limits, finds the operation, and writes
// answers and errors in the form the SDKs expect. What an operation means is
// the business of the packages that register it.
//
// The forms are those of the Smithy specification (https://smithy.io/2.0/aws/protocols/)
// and of the services' own answers.
package wire
