//go:build endpoint

package main

import (
	"expvar"
	"net"
	"net/http"
	"net/http/pprof"
	"runtime"
)

func serve(at string) string {
	listener, err := net.Listen("tcp", at)
	if err != nil {
		panic(err)
	}
	runtime.SetMutexProfileFraction(1)
	mux := http.NewServeMux()
	mux.Handle("/debug/vars", expvar.Handler())
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	go http.Serve(listener, mux)
	return listener.Addr().String()
}
