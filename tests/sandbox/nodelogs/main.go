// nodelogs answers `kubectl logs` for the simulated nodes of one plane.
//
// kwok can serve log files, but chooses them by pod, namespace and container name only: it cannot tell a crashed container
// from a healthy one, follows a finished one for ever, and shows a new pod the lines of yesterday. nodelogs stands in front
// of it as the nodes' port: it watches the pods, tells each container's log as its status says it must be, and passes
// everything else (exec, port-forward, metrics) on to kwok.
//
//	main.go   the port: what the API server asks of a kubelet, flags, TLS
//	pods.go   the watch: what is known of each pod
//	story.go  from a container's status to timed lines
//	lines.go  what each component says
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"log"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

func main() {
	log.SetFlags(log.LstdFlags | log.LUTC)
	plane := flag.String("plane", "", "the plane's folder: ca.crt, srv.crt, srv.key and tokens.csv")
	api := flag.String("api", "", "the API server's address")
	listen := flag.String("listen", "", "host:port to serve as the nodes' port")
	behind := flag.String("behind", "", "kwok's address, for everything that is not a log")
	flag.Parse()
	if err := run(*plane, *api, *listen, *behind); err != nil {
		log.Fatal(err)
	}
}

func run(plane, api, listen, behind string) error {
	authority, err := os.ReadFile(filepath.Join(plane, "ca.crt"))
	if err != nil {
		return err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(authority) {
		return fmt.Errorf("no certificate in %s/ca.crt", plane)
	}
	tokens, err := os.ReadFile(filepath.Join(plane, "tokens.csv"))
	if err != nil {
		return err
	}
	token := ""
	for row := range strings.SplitSeq(string(tokens), "\n") {
		if fields := strings.Split(row, ","); len(fields) > 1 && fields[1] == "admin" {
			token = fields[0]
		}
	}
	target, err := url.Parse(behind)
	if err != nil {
		return err
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}} // no Proxy: loopback only

	pods := newPods()
	go pods.watch(context.Background(), &http.Client{Transport: transport}, api, token)

	passOn := httputil.NewSingleHostReverseProxy(target)
	passOn.Transport = transport.Clone() // its own connections; without HTTP/2, so that exec can upgrade
	routes := http.NewServeMux()
	routes.HandleFunc("GET /containerLogs/{namespace}/{pod}/{container}", func(w http.ResponseWriter, r *http.Request) {
		serveLog(pods, w, r)
	})
	routes.Handle("/", passOn)
	server := &http.Server{Addr: listen, Handler: routes, ReadHeaderTimeout: 10 * time.Second}
	server.TLSNextProto = map[string]func(*http.Server, *tls.Conn, http.Handler){} // HTTP/1.1, as exec needs
	return server.ListenAndServeTLS(filepath.Join(plane, "srv.crt"), filepath.Join(plane, "srv.key"))
}

// options are those of `kubectl logs`, as the API server passes them on.
type options struct {
	follow, previous, timestamps bool
	tail                         int // -1: all
	limit                        int // bytes; -1: no limit
	since                        time.Time
}

func readOptions(query url.Values, now time.Time) (options, error) {
	o := options{tail: -1, limit: -1}
	var problems []error
	flag := func(name string, to *bool) {
		if v := query.Get(name); v != "" {
			b, err := strconv.ParseBool(v)
			problems = append(problems, err)
			*to = b
		}
	}
	number := func(name string, to *int) {
		if v := query.Get(name); v != "" {
			n, err := strconv.Atoi(v)
			problems = append(problems, err)
			*to = n
		}
	}
	flag("follow", &o.follow)
	flag("previous", &o.previous)
	flag("timestamps", &o.timestamps)
	number("tailLines", &o.tail)
	number("limitBytes", &o.limit)
	seconds := -1
	number("sinceSeconds", &seconds)
	if seconds >= 0 {
		o.since = now.Add(-time.Duration(seconds) * time.Second)
	}
	if v := query.Get("sinceTime"); v != "" {
		t, err := time.Parse(time.RFC3339Nano, v)
		problems = append(problems, err)
		o.since = t
	}
	return o, errors.Join(problems...)
}

func serveLog(pods *pods, w http.ResponseWriter, r *http.Request) {
	namespace, name, container := r.PathValue("namespace"), r.PathValue("pod"), r.PathValue("container")
	asked, err := readOptions(r.URL.Query(), time.Now())
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	// A pod that was made this moment may not have come through the watch yet.
	pod, changed := pods.get(namespace, name)
	for wait := time.After(2 * time.Second); pod == nil; pod, changed = pods.get(namespace, name) {
		select {
		case <-changed:
		case <-wait:
			http.Error(w, fmt.Sprintf("pod %q does not exist", namespace+"/"+name), http.StatusNotFound)
			return
		case <-r.Context().Done():
			return
		}
	}
	uid := pod.Metadata.UID
	told, err := storyOf(pod, container, asked.previous)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "text/plain")
	w.WriteHeader(http.StatusOK)
	out := &writer{to: http.NewResponseController(w), w: w, options: asked, left: asked.limit}
	position := cursor{}
	first := true
	for {
		lines, next := told.upTo(time.Now(), &position)
		if first && asked.tail >= 0 && len(lines) > asked.tail {
			lines = lines[len(lines)-asked.tail:]
		}
		first = false
		if !out.write(lines) || !asked.follow || told.over {
			return
		}
		timer := time.NewTimer(max(time.Until(next), 5*time.Millisecond))
		select {
		case <-timer.C:
		case <-changed:
			timer.Stop()
		case <-r.Context().Done():
			timer.Stop()
			return
		}
		pod, changed = pods.get(namespace, name)
		switch {
		case pod == nil || pod.Metadata.UID != uid: // gone: what was not told stays untold, as when a node removes a pod
			return
		default:
			told = told.continued(pod, container)
		}
	}
}

type writer struct {
	to      *http.ResponseController
	w       http.ResponseWriter
	options options
	left    int
}

// write sends lines; false when nobody reads any more or the limit of bytes is reached.
func (o *writer) write(lines []line) bool {
	for _, l := range lines {
		if l.at.Before(o.options.since) {
			continue
		}
		text := l.text + "\n"
		if o.options.timestamps {
			text = l.at.UTC().Format("2006-01-02T15:04:05.000000000Z") + " " + text
		}
		if o.left >= 0 && len(text) > o.left {
			text = text[:o.left]
		}
		if _, err := o.w.Write([]byte(text)); err != nil {
			return false
		}
		if o.left >= 0 {
			if o.left -= len(text); o.left == 0 {
				return false
			}
		}
	}
	return o.to.Flush() == nil
}
