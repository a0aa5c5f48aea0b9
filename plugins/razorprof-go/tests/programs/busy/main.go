// A program to look into: it collects, blocks, sleeps and burns as its arguments say, and answers on its standard
// input what the runtime itself counts. Built plain, stripped and position-independent, by several toolchains.
package main

import (
	"bufio"
	"flag"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"time"
)

var (
	parked   = flag.Int("parked", 0, "goroutines that wait for a channel nobody writes to")
	locked   = flag.Int("locked", 0, "goroutines that wait for a mutex nobody gives back")
	sleeping = flag.Int("sleeping", 0, "goroutines that sleep")
	burning  = flag.Int("burning", 0, "goroutines that compute")
	churn    = flag.Int("churn", 0, "KiB of garbage made every millisecond")
	listen   = flag.String("listen", "", "serve the debug endpoints there (in a build with the tag endpoint)")

	never = make(chan int)
	held  sync.Mutex
	sink  []byte
	sum   uint64
)

func park() { <-never }

func waitForLock() {
	held.Lock()
	defer held.Unlock()
}

func sleepLong() { time.Sleep(time.Hour) }

//go:noinline
func hot(n uint64) uint64 {
	for i := uint64(0); i < 300000; i++ {
		n = n*6364136223846793005 + i
	}
	return n
}

//go:noinline
func warm(n uint64) uint64 {
	for i := uint64(0); i < 100000; i++ {
		n = n*6364136223846793005 + i
	}
	return n
}

func burn() {
	for n := uint64(1); ; n++ {
		sum = hot(n) + warm(n)
	}
}

func makeGarbage(kib int) {
	for {
		sink = make([]byte, kib<<10)
		time.Sleep(time.Millisecond)
	}
}

// stats prints NumGC, PauseTotalNs, LastGC, NumForcedGC, GCCPUFraction, NumGoroutine, then the ring: length@end.
func stats() {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	fmt.Printf("%d %d %d %d %g %d", m.NumGC, m.PauseTotalNs, m.LastGC, m.NumForcedGC, m.GCCPUFraction,
		runtime.NumGoroutine())
	for i := range m.PauseNs {
		fmt.Printf(" %d@%d", m.PauseNs[i], m.PauseEnd[i])
	}
	fmt.Println()
}

func main() {
	flag.Parse()
	held.Lock()
	for i := 0; i < *parked; i++ {
		go park()
	}
	for i := 0; i < *locked; i++ {
		go waitForLock()
	}
	for i := 0; i < *sleeping; i++ {
		go sleepLong()
	}
	for i := 0; i < *burning; i++ {
		go burn()
	}
	if *churn > 0 {
		go makeGarbage(*churn)
	}
	where := "-"
	if *listen != "" {
		where = serve(*listen)
	}
	fmt.Println("ready", where)
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		command, rest, _ := strings.Cut(lines.Text(), " ")
		switch command {
		case "stats":
			stats()
		case "collect":
			count := 1
			fmt.Sscan(rest, &count)
			for i := 0; i < count; i++ {
				runtime.GC()
			}
			fmt.Println("collected", count)
		case "percent":
			percent := 100
			fmt.Sscan(rest, &percent)
			debug.SetGCPercent(percent)
			fmt.Println("percent", percent)
		}
	}
}
