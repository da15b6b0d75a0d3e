//go:build tools

// Package tools pins Karpenter with its KWOK cloud provider.
package tools

import _ "sigs.k8s.io/karpenter/kwok"
