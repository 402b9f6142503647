// Package where chooses dead letters with an expression, such as
//
//	age > "2h" and error contains "timeout"
//	input.order in [13, 14] or any(input.items, .sku startsWith "B-")
//	not (jobId matches "^job-17") and receiveCount > 3
//	attributes.tenant == "acme" and metadata.source != "console"
//	sentAt > date("2026-03-01") and sentAt < now() - "1h"
//	input.customer.vip ?? false ? age > "5m" : age > "1d12h"
//
// The language is that of expr-lang.org without what makes an evaluation long,
// large or different from one time to the next: no variables (let), no reduce, no
// methods, no clock but now(), which is the moment the filter is asked about.
//
// The names are those of Fields, the functions those of Functions. What differs
// from expr:
//
//   - A member that is not there is null, at any depth: input.a.b == 1 is false
//     and input.a.b == nil is true where there is no a. So is an element beyond the
//     end of an array. A member of a text, a number or an array (without an index)
//     is an error.
//   - Where a boolean is needed, null is false: not input.test chooses the letters
//     without a test. Any other value that is no boolean is an error.
//   - Compared with a duration or added to one, a text is one too, "90m", "36h",
//     "2d" or "1d12h", and a number is seconds. duration("2d") is one by itself. A
//     text is one as well when it is added to a time.
//   - Numbers of JSON that are whole and fit 64 bits keep all their digits.
//
// What a letter cannot answer, such as input.amount > 100 without an amount, is an
// error of Match, and the letter is not chosen.
package where
