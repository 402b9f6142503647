package deploy

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/deploy/project"
)

// Every refusal, with its message, and with nothing done to any stack.
func TestRefusals(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		world  func(w *world)  // after a first push
		shop   func(shop) shop // what is pushed then; nil: the next version
		in     func(*Input)    // changed
		middle func(w *world)  // between plan and Apply
		c      Confirmed
		want   string
		is     error
	}{
		"a stack of another tool": {
			world: func(w *world) { w.named("shop-test").tags = map[string]string{project.TagStage: "test"} },
			want:  "stack shop-test exists, and another tool has made it: choose another name with --service or --stage, or take its workers over with --adopt, which keeps their queues",
		},
		"a stack of another project": {
			world: func(w *world) {
				w.named("shop-media-test").tags = map[string]string{project.TagProject: "shop-media", project.TagStage: "test"}
			},
			want: `stack shop-media-test belongs to aiwctl's project "shop-media", stage "test": choose another name for this one with --service`,
		},
		"a stack that another tool is about to make": {
			world: func(w *world) {
				s := w.named("shop-test")
				s.status, s.tags, s.resources = "REVIEW_IN_PROGRESS", nil, nil
				w.sets = append(w.sets, &fakeSet{name: "serverless-deploy", id: "x", stack: s, status: "CREATE_COMPLETE"})
			},
			want: "stack shop-test exists, and another tool has made it: choose another name with --service or --stage, or take its workers over with --adopt, which keeps their queues",
		},
		"a bucket of somebody else": {
			world: func(w *world) { w.owner = "999999999999" },
			want:  "bucket aiwctl-artifacts-111122223333-eu-west-1 belongs to another account, or s3:ListBucket on it is missing from these credentials' permissions: choose another one with --bucket",
		},
		"a bucket of another region": {
			world: func(w *world) { w.at = "us-east-1" },
			want:  "bucket aiwctl-artifacts-111122223333-eu-west-1 is in us-east-1, and functions in eu-west-1 take their code from a bucket of their own region only: choose another one with --bucket",
		},
		"a queue with a message in it goes": {
			world: func(w *world) { w.queues[queueURL("shop-nightly-report-test")] = 1 },
			want: "queues would be deleted with messages in them:\n  queue shop-nightly-report-test of worker report is deleted with about 1 message (1 waiting)\n" +
				"move the messages away, or confirm each queue by its name: shop-nightly-report-test",
		},
		"another queue was confirmed": {
			world: func(w *world) { w.queues[queueURL("shop-nightly-report-dlq-test")] = 12 },
			c:     Confirmed{Queues: []string{"shop-nightly-report-test"}},
			want: "queues would be deleted with messages in them:\n  dead-letter queue shop-nightly-report-dlq-test of worker report is deleted with about 12 messages (12 waiting)\n" +
				"move the messages away, or confirm each queue by its name: shop-nightly-report-dlq-test",
		},
		"a queue that cannot be looked into": {
			world: func(w *world) { w.fail["GetQueueAttributes"] = apiError("AccessDenied", "no") },
			c:     Confirmed{Queues: []string{"shop-nightly-report-test"}},
			want: "queues would be deleted with messages in them:\n  dead-letter queue shop-nightly-report-dlq-test of worker report is deleted; how many messages are in it could not be read: " +
				"access denied: a permission is missing\nmove the messages away, or confirm each queue by its name: shop-nightly-report-dlq-test",
		},
		"a message comes after the plan": {
			middle: func(w *world) { w.queues[queueURL("shop-nightly-report-test")] = 4 },
			want: "queues would be deleted with messages in them:\n  queue shop-nightly-report-test of worker report is deleted with about 4 messages (4 waiting)\n" +
				"move the messages away, or confirm each queue by its name: shop-nightly-report-test",
		},
		"a message comes after the plan, to a queue that is replaced": {
			shop: func(s shop) shop { return s },
			in: func(in *Input) {
				in.Documents[2].Body = []byte(strings.Replace(string(in.Documents[2].Body), `"shop-mail-test"`, `"shop-post-test"`, 1))
			},
			middle: func(w *world) { w.queues[queueURL("shop-mail-test")] = 4 },
			want: "queues would be deleted with messages in them:\n  queue shop-mail-test of worker mail is replaced with about 4 messages (4 waiting)\n" +
				"move the messages away, or confirm each queue by its name: shop-mail-test",
		},
		"CloudFormation would delete a queue that the plan did not name": {
			shop: func(s shop) shop { s.versions["mail"] = "2"; return s },
			middle: func(w *world) {
				w.during = func(op string) {
					if op != "DescribeChangeSet" {
						return
					}
					for _, c := range w.sets {
						for i := range c.changes {
							if rc := c.changes[i].ResourceChange; *rc.LogicalResourceId == "WorkerMailFunction" {
								rc.ResourceType, rc.LogicalResourceId, rc.Replacement = new(queueType), new("WorkerMailQueue"), "Conditional"
								rc.PhysicalResourceId = new(queueURL("shop-mail-test"))
							}
						}
					}
				}
			},
			want: "the stage has changed since the plan was made: CloudFormation would delete or replace queue " + queueURL("shop-mail-test") +
				" (WorkerMailQueue) of stack shop-test, which the plan does not say: look at what would be done now, and confirm that",
			is: ErrStale,
		},
		"somebody else has deployed": {
			middle: func(w *world) {
				s := w.named("shop-media-test")
				s.updated, s.template = time.Now(), `{"Resources":{}}`
				s.changeSet = "arn:aws:cloudformation:eu-west-1:111122223333:changeSet/aiwctl-20260101T000000Z-abcdef-2/uuid"
			},
			want: "the stage has changed since the plan was made: stack shop-media-test was CREATE_COMPLETE, and is CREATE_COMPLETE, changed by deployment 20260101T000000Z-abcdef: look at what would be done now, and confirm that",
			is:   ErrStale,
		},
		"a roll-back that failed": {
			world: func(w *world) {
				s := w.named("shop-test")
				s.status, s.reason = "UPDATE_ROLLBACK_FAILED", "The following resource(s) failed to update: [WorkerMailFunction]."
				r := s.resources["WorkerMailFunction"]
				r.status = "UPDATE_FAILED"
				s.resources["WorkerMailFunction"] = r
			},
			want: "stack shop-test could not be rolled back because of WorkerMailFunction (AWS::Lambda::Function) (The following resource(s) failed to update: [WorkerMailFunction].): " +
				"see to the cause and have the roll-back continued (--continue-rollback), leaving out resources that cannot be put right (--skip-resource)",
		},
		"a deletion that failed": {
			world: func(w *world) {
				s := w.named("shop-test")
				s.status, s.reason = "DELETE_FAILED", "role is in use"
			},
			want: "stack shop-test was to be deleted, and that failed (role is in use): see to what is named there, delete the stack in CloudFormation, and push again",
		},
		"a secret that is too long": {
			shop: func(s shop) shop { s.secrets["SMTP_PASSWORD"] = strings.Repeat("x", 4097); return s },
			want: "secret ssm:/shop/test/SMTP_PASSWORD has 4097 bytes, and a parameter of SSM takes 4096: keep it in Secrets Manager and give its reference, secretsmanager:NAME, as the value",
		},
		"a secret that is empty": {
			shop: func(s shop) shop { s.secrets["SMTP_PASSWORD"] = ""; return s },
			want: "secret ssm:/shop/test/SMTP_PASSWORD is empty, and SSM stores no empty parameter: give it a value",
		},
		"a secret that SSM refuses": {
			shop: func(s shop) shop { s.secrets["SMTP_PASSWORD"] = "hunter{{3}}"; return s },
			middle: func(w *world) {
				w.fail["PutParameter"] = apiError("ValidationException", "Parameter value can't nest: hunter{{3}}")
			},
			want: "store parameter /shop/test/SMTP_PASSWORD: SSM refuses the value: ValidationException",
		},
		"a read-only target": {
			middle: func(w *world) { w.guard = aws.ErrReadOnly },
			want:   aws.ErrReadOnly.Error(), is: aws.ErrReadOnly,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t)
			synctest.Test(t, func(t *testing.T) {
				w := newWorld("test")
				if _, _, err := push(t.Context(), w, s, Confirmed{}, Options{}); err != nil {
					t.Fatal(err)
				}
				if tt.world != nil {
					tt.world(w)
				}
				d := newDeployer(w, Options{})
				next := clone(s).next()
				if tt.shop != nil {
					next = tt.shop(clone(s))
				}
				in := next.input()
				if tt.in != nil {
					tt.in(&in)
				}
				w.trace = nil
				p, err := d.Plan(t.Context(), in)
				if err != nil {
					t.Fatal(err)
				}
				if tt.middle != nil {
					tt.middle(w)
				}
				w.trace = nil
				res, err := d.Apply(t.Context(), p, tt.c)
				if err == nil || err.Error() != tt.want {
					t.Errorf("err =\n%v\nwant\n%s", err, tt.want)
				}
				if tt.is != nil && !errors.Is(err, tt.is) {
					t.Errorf("err = %v, which is not %v", err, tt.is)
				}
				if tt.middle == nil && (res != nil || len(w.trace) > 0) {
					t.Errorf("it did %q", w.trace)
				}
				if len(w.gone) > 0 || len(w.sets) > 1 || w.count("DeleteStack") > 0 {
					t.Errorf("lost %v; change sets %d; %q", w.gone, len(w.sets), w.trace)
				}
				if res != nil && res.Deployment.Outcome != Failed {
					t.Errorf("outcome %q", res.Deployment.Outcome)
				}
			})
		})
	}
}

func TestPlanErrors(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	synctest.Test(t, func(t *testing.T) {
		w := newWorld("prod")
		if _, err := newDeployer(w, Options{}).Plan(t.Context(), s.input()); err == nil || err.Error() != `plan the push of shop: it is of stage "test", and the target is stage "prod"` {
			t.Errorf("another stage: %v", err)
		}
		w.stage = "test"
		d := newDeployer(w, Options{})
		if _, err := d.PlanRemove(t.Context(), "shop"); !errors.Is(err, ErrNotDeployed) || err.Error() != "remove stage test of shop in eu-west-1: the stage is not deployed" {
			t.Errorf("remove: %v", err)
		}
		if _, err := d.PlanRollback(t.Context(), "shop", ""); !errors.Is(err, ErrNotDeployed) {
			t.Errorf("roll back: %v", err)
		}
		if _, err := d.Status(t.Context(), "shop", 3); !errors.Is(err, ErrNotDeployed) {
			t.Errorf("status: %v", err)
		}
		w.fail["HeadBucket"] = &s3types.NoSuchKey{}
		if p, err := d.Plan(t.Context(), s.input()); err != nil || !p.Bucket.Make {
			t.Errorf("a bucket that is not there: %v", err)
		}
		w.fail["HeadBucket"] = apiError("InternalError", "we are sorry")
		if _, err := d.Plan(t.Context(), s.input()); err == nil || !strings.Contains(err.Error(), "look for bucket aiwctl-artifacts-111122223333-eu-west-1") {
			t.Errorf("a bucket that cannot be looked for: %v", err)
		}
	})
}
