//go:build !endpoint

package main

func serve(string) string { panic("built without the tag endpoint") }
