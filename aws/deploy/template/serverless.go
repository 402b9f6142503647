package template

import "github.com/microfox-ai/aiwctl/aws/deploy/project"

// File is one to be written.
type File struct {
	// Path is relative, with forward slashes.
	Path string
	Body []byte
}

// Serverless todo.
func Serverless(*project.Project) ([]File, error) { return nil, nil }
