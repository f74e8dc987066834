package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"net/url"
	"sync"
	"time"
)

// pod is what of a Pod decides its logs.
type pod struct {
	Metadata struct {
		Name            string            `json:"name"`
		Namespace       string            `json:"namespace"`
		UID             string            `json:"uid"`
		ResourceVersion string            `json:"resourceVersion"`
		Annotations     map[string]string `json:"annotations"`
	} `json:"metadata"`
	Status struct {
		PodIP                 string            `json:"podIP"`
		ContainerStatuses     []containerStatus `json:"containerStatuses"`
		InitContainerStatuses []containerStatus `json:"initContainerStatuses"`
	} `json:"status"`
}

type containerStatus struct {
	Name         string `json:"name"`
	RestartCount int    `json:"restartCount"`
	State        state  `json:"state"`
	LastState    state  `json:"lastState"`
}

type state struct {
	Waiting *struct {
		Reason string `json:"reason"`
	} `json:"waiting"`
	Running *struct {
		StartedAt time.Time `json:"startedAt"`
	} `json:"running"`
	Terminated *terminated `json:"terminated"`
}

type terminated struct {
	ExitCode   int       `json:"exitCode"`
	Reason     string    `json:"reason"`
	StartedAt  time.Time `json:"startedAt"`
	FinishedAt time.Time `json:"finishedAt"`
}

// pods is what the watch knows. Each pod has a channel of its own that is closed at its next change.
type pods struct {
	lock    sync.Mutex
	known   map[string]*pod
	waiting map[string]chan struct{}
}

func newPods() *pods {
	return &pods{known: map[string]*pod{}, waiting: map[string]chan struct{}{}}
}

// get gives the pod, nil when it is not known, and a channel that is closed when that changes.
func (p *pods) get(namespace, name string) (*pod, <-chan struct{}) {
	p.lock.Lock()
	defer p.lock.Unlock()
	key := namespace + "/" + name
	if p.waiting[key] == nil {
		p.waiting[key] = make(chan struct{})
	}
	return p.known[key], p.waiting[key]
}

func (p *pods) set(key string, to *pod) {
	p.lock.Lock()
	defer p.lock.Unlock()
	if to == nil {
		delete(p.known, key)
	} else {
		p.known[key] = to
	}
	if waiting := p.waiting[key]; waiting != nil {
		close(waiting)
		delete(p.waiting, key)
	}
}

// watch keeps the pods known until the context ends; what breaks is begun again with a list.
func (p *pods) watch(ctx context.Context, client *http.Client, api, token string) {
	for ctx.Err() == nil {
		if err := p.listAndWatch(ctx, client, api, token); err != nil {
			log.Printf("watching pods: %v", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(300 * time.Millisecond):
		}
	}
}

func (p *pods) listAndWatch(ctx context.Context, client *http.Client, api, token string) error {
	ask := func(query url.Values) (*http.Response, error) {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, api+"/api/v1/pods?"+query.Encode(), nil)
		if err != nil {
			return nil, err
		}
		request.Header.Set("Authorization", "Bearer "+token)
		response, err := client.Do(request)
		if err == nil && response.StatusCode != http.StatusOK {
			response.Body.Close()
			return nil, fmt.Errorf("the API server answered %s", response.Status)
		}
		return response, err
	}
	response, err := ask(url.Values{})
	if err != nil {
		return err
	}
	var list struct {
		Metadata struct {
			ResourceVersion string `json:"resourceVersion"`
		} `json:"metadata"`
		Items []*pod `json:"items"`
	}
	err = json.NewDecoder(response.Body).Decode(&list)
	response.Body.Close()
	if err != nil {
		return err
	}
	listed := map[string]*pod{}
	for _, item := range list.Items {
		listed[item.Metadata.Namespace+"/"+item.Metadata.Name] = item
	}
	p.lock.Lock()
	var gone []string
	for key := range p.known {
		if listed[key] == nil {
			gone = append(gone, key)
		}
	}
	p.lock.Unlock()
	for _, key := range gone {
		p.set(key, nil)
	}
	for key, item := range listed {
		p.set(key, item)
	}

	response, err = ask(url.Values{"watch": {"1"}, "resourceVersion": {list.Metadata.ResourceVersion}})
	if err != nil {
		return err
	}
	defer response.Body.Close()
	events := json.NewDecoder(response.Body)
	for {
		var event struct {
			Type   string `json:"type"`
			Object *pod   `json:"object"`
		}
		if err := events.Decode(&event); err != nil {
			return err
		}
		key := event.Object.Metadata.Namespace + "/" + event.Object.Metadata.Name
		switch event.Type {
		case "ADDED", "MODIFIED":
			p.set(key, event.Object)
		case "DELETED":
			p.set(key, nil)
		case "ERROR":
			return fmt.Errorf("the watch ended")
		}
	}
}
