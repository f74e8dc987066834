package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// line is one line of a log and when it was written.
type line struct {
	at   time.Time
	text string
}

// story is the log of one run of one container (a restart begins another). Its lines follow from the run's times alone:
// asked twice, also across a restart of nodelogs, it tells the same.
type story struct {
	component *component
	pod       string
	ip        string
	every     time.Duration
	started   time.Time
	ended     time.Time // when over
	over      bool
	failed    bool
	last      []string // what it says when it ends
}

// cursor is how much of a story was told.
type cursor struct {
	begun  int // lines of component.start
	ticked int // lines of component.tick
	jumped bool
}

// kept is how many of the recurring lines a log still holds for who reads it from the start: as if it had been rotated.
const kept = 400

// storyOf gives the run that a kubelet would show: the running one, else the one that ended last.
func storyOf(p *pod, container string, previous bool) (story, error) {
	status := statusOf(p, container)
	if status == nil {
		return story{}, fmt.Errorf("container %q in pod %q is waiting to start: ContainerCreating", container, p.Metadata.Name)
	}
	switch {
	case previous && status.LastState.Terminated == nil:
		return story{}, fmt.Errorf("previous terminated container %q in pod %q not found", container, p.Metadata.Name)
	case previous:
		return endedStory(p, container, status.LastState.Terminated), nil
	case status.State.Running != nil:
		return runOf(p, container, status.State.Running.StartedAt), nil
	case status.State.Terminated != nil:
		return endedStory(p, container, status.State.Terminated), nil
	case status.LastState.Terminated != nil:
		return endedStory(p, container, status.LastState.Terminated), nil
	}
	reason := "ContainerCreating"
	if status.State.Waiting != nil {
		reason = status.State.Waiting.Reason
	}
	switch reason {
	case "ErrImagePull", "ImagePullBackOff":
		return story{}, fmt.Errorf("container %q in pod %q is waiting to start: trying and failing to pull image", container, p.Metadata.Name)
	}
	return story{}, fmt.Errorf("container %q in pod %q is waiting to start: %s", container, p.Metadata.Name, reason)
}

func statusOf(p *pod, container string) *containerStatus {
	for _, all := range [][]containerStatus{p.Status.ContainerStatuses, p.Status.InitContainerStatuses} {
		for i := range all {
			if all[i].Name == container {
				return &all[i]
			}
		}
	}
	return nil
}

func runOf(p *pod, container string, started time.Time) story {
	said := componentOf(container)
	s := story{component: said, pod: p.Metadata.Name, ip: p.Status.PodIP, every: said.every, started: started}
	if every, err := time.ParseDuration(p.Metadata.Annotations["sim.floe.dev/log-every"]); err == nil && every >= time.Millisecond {
		s.every = every
	}
	return s
}

func endedStory(p *pod, container string, t *terminated) story {
	s := runOf(p, container, t.StartedAt)
	if s.started.IsZero() || s.started.After(t.FinishedAt) {
		s.started = t.FinishedAt
	}
	s.over, s.ended, s.failed = true, t.FinishedAt, t.ExitCode != 0
	switch {
	case t.ExitCode == 0:
		s.last = s.component.done
	case t.Reason == "OOMKilled":
		s.last = s.component.oom // the kernel kills without a word: what it said before
	default:
		s.last = s.component.failed
	}
	return s
}

// continued is the same run by what is known now: still running, or over.
func (s story) continued(p *pod, container string) story {
	status := statusOf(p, container)
	if s.over || status == nil {
		return s
	}
	same := func(at time.Time) bool { return at.Equal(s.started) }
	for _, t := range []*terminated{status.State.Terminated, status.LastState.Terminated} {
		if t != nil && same(t.StartedAt) {
			return endedStory(p, container, t)
		}
	}
	if status.State.Running == nil || !same(status.State.Running.StartedAt) { // a run between them was missed: nothing more is known
		s.over, s.ended = true, time.Now()
	}
	return s
}

// upTo gives the lines after the cursor that are written by now, moves it, and says when to ask again.
func (s story) upTo(now time.Time, c *cursor) ([]line, time.Time) {
	until := now
	if s.over {
		until = s.ended
	}
	var lines []line
	begin := s.component.start
	if s.failed && len(begin) > 1 {
		begin = begin[:len(begin)-1] // it never got as far as being ready
	}
	for ; c.begun < len(begin); c.begun++ {
		at := s.started.Add(begin[c.begun].after)
		if at.After(until) {
			if !s.over {
				return lines, at
			}
			at = until // a run that ended early still came that far: the last lines make no sense without the first
		}
		lines = append(lines, line{at, s.fill(begin[c.begun].text, at, c.begun)})
	}
	ticking := s.started
	if len(begin) > 0 {
		ticking = ticking.Add(begin[len(begin)-1].after)
	}
	next := now.Add(time.Hour)
	if s.every > 0 && len(s.component.tick) > 0 {
		total := int(until.Sub(ticking) / s.every)
		if !c.jumped && total-c.ticked > kept {
			c.ticked = total - kept
		}
		for ; c.ticked < total; c.ticked++ {
			at := ticking.Add(time.Duration(c.ticked+1) * s.every)
			lines = append(lines, line{at, s.fill(s.component.tick[c.ticked%len(s.component.tick)], at, c.ticked+1)})
		}
		next = ticking.Add(time.Duration(c.ticked+1) * s.every)
	}
	c.jumped = true
	if s.over {
		for i, text := range s.last {
			lines = append(lines, line{until, s.fill(text, until, i)})
		}
	}
	return lines, next
}

func (s story) fill(text string, at time.Time, n int) string {
	if !strings.Contains(text, "{") {
		return text
	}
	at = at.UTC()
	return strings.NewReplacer(
		"{python}", at.Format("2006-01-02 15:04:05 +0000"),
		"{postgres}", at.Format("2006-01-02 15:04:05.000 UTC"),
		"{quarkus}", at.Format("2006-01-02 15:04:05,000"),
		"{zap}", at.Format("2006-01-02T15:04:05.000Z"),
		"{access}", at.Format("02/Jan/2006:15:04:05 +0000"),
		"{alembic}", at.Format("15:04:05"),
		"{pod}", s.pod,
		"{ip}", s.ip,
		"{n}", strconv.Itoa(n),
		"{ms}", strconv.Itoa(3+(n*7919)%97),
	).Replace(text)
}
