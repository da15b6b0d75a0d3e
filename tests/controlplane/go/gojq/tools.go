//go:build tools

// Package tools pins jq as written in Go.
package tools

import _ "github.com/itchyny/gojq/cmd/gojq"
