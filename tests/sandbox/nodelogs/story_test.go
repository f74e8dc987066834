package main

import (
	"strings"
	"testing"
	"time"
)

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

func podWith(status containerStatus) *pod {
	p := &pod{}
	p.Metadata.Name = "web-1"
	status.Name = "dagster-webserver"
	p.Status.ContainerStatuses = []containerStatus{status}
	return p
}

func running(at time.Time) containerStatus {
	var s containerStatus
	s.State.Running = &struct {
		StartedAt time.Time `json:"startedAt"`
	}{at}
	return s
}

func texts(lines []line) string {
	var all []string
	for _, l := range lines {
		all = append(all, l.text)
	}
	return strings.Join(all, "\n")
}

func TestAFollowedRunTellsEachLineOnceAndInOrder(t *testing.T) {
	told, err := storyOf(podWith(running(noon)), "dagster-webserver", false)
	if err != nil {
		t.Fatal(err)
	}
	whole, _ := told.upTo(noon.Add(20*time.Second), &cursor{})
	position := cursor{}
	var pieces []line
	for now := noon; !now.After(noon.Add(20 * time.Second)); now = now.Add(70 * time.Millisecond) {
		lines, next := told.upTo(now, &position)
		if !next.After(now) {
			t.Fatalf("asks again at %v, which is over at %v", next, now)
		}
		pieces = append(pieces, lines...)
	}
	if texts(pieces) != texts(whole) || len(whole) < 12 {
		t.Fatalf("in pieces:\n%s\nat once:\n%s", texts(pieces), texts(whole))
	}
	for i := 1; i < len(whole); i++ {
		if whole[i].at.Before(whole[i-1].at) {
			t.Fatalf("line %d is older than the one before", i)
		}
	}
}

func TestACrashEndsWithItsReasonAndNeverSaysItServes(t *testing.T) {
	status := containerStatus{RestartCount: 3}
	status.LastState.Terminated = &terminated{ExitCode: 1, Reason: "Error", StartedAt: noon, FinishedAt: noon}
	for _, previous := range []bool{true, false} {
		told, err := storyOf(podWith(status), "dagster-webserver", previous)
		if err != nil {
			t.Fatal(err)
		}
		lines, _ := told.upTo(noon.Add(time.Hour), &cursor{})
		if !strings.Contains(lines[len(lines)-1].text, "DagsterInvariantViolationError") {
			t.Fatalf("ends with %q", lines[len(lines)-1].text)
		}
		if strings.Contains(texts(lines), "Serving dagster-webserver") {
			t.Fatal("a run that crashed says that it serves")
		}
	}
}

func TestARunThatEndsWhileFollowedIsOver(t *testing.T) {
	told, err := storyOf(podWith(running(noon)), "dagster-webserver", false)
	if err != nil {
		t.Fatal(err)
	}
	position := cursor{}
	before, _ := told.upTo(noon.Add(5*time.Second), &position)
	var ended containerStatus
	ended.State.Terminated = &terminated{ExitCode: 1, Reason: "Error", StartedAt: noon, FinishedAt: noon.Add(5 * time.Second)}
	told = told.continued(podWith(ended), "dagster-webserver")
	after, _ := told.upTo(noon.Add(6*time.Second), &position)
	if !told.over || len(before) == 0 || len(after) != len(components["dagster-webserver"].failed) {
		t.Fatalf("over %v, %d lines before, %d after", told.over, len(before), len(after))
	}
	var restarted = running(noon.Add(9 * time.Second))
	again, _ := storyOf(podWith(running(noon)), "dagster-webserver", false)
	if again = again.continued(podWith(restarted), "dagster-webserver"); !again.over {
		t.Fatal("a restart is another run: the followed one is over")
	}
}

func TestAContainerThatDidNotRunHasNoLog(t *testing.T) {
	var waiting containerStatus
	waiting.State.Waiting = &struct {
		Reason string `json:"reason"`
	}{"ImagePullBackOff"}
	for _, c := range []struct {
		status   containerStatus
		previous bool
		want     string
	}{
		{waiting, false, "failing to pull image"},
		{running(noon), true, "previous terminated container"},
	} {
		if _, err := storyOf(podWith(c.status), "dagster-webserver", c.previous); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("wanted %q, got %v", c.want, err)
		}
	}
	if _, err := storyOf(podWith(waiting), "other", false); err == nil {
		t.Error("a container without a status has a log")
	}
}

func TestAnOldLogIsKeptShort(t *testing.T) {
	told, err := storyOf(podWith(running(noon)), "dagster-webserver", false)
	if err != nil {
		t.Fatal(err)
	}
	lines, _ := told.upTo(noon.Add(30*24*time.Hour), &cursor{})
	if len(lines) > kept+10 || len(lines) < kept {
		t.Fatalf("%d lines", len(lines))
	}
}
