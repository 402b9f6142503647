package pane

import (
	"slices"
	"sort"
	"time"
)

// placed has a place in time. No two things of one list share it: seq counts.
type placed interface {
	place() (at time.Time, seq uint64)
}

func before(a, b placed) bool {
	at, n := a.place()
	bt, m := b.place()
	if c := at.Compare(bt); c != 0 {
		return c < 0
	}
	return n < m
}

// list is sorted by place; it grows at the end and shrinks at the front, where both
// cost nothing.
type list[T placed] struct {
	items []T
	head  int
}

func (d *list[T]) len() int   { return len(d.items) - d.head }
func (d *list[T]) at(i int) T { return d.items[d.head+i] }

// seek is where something is, or where it would be.
func (d *list[T]) seek(x placed) int {
	return sort.Search(d.len(), func(i int) bool { return !before(d.at(i), x) })
}

// insert puts something in its place and returns where. Most things are the youngest;
// late ones are few and belong near the end.
func (d *list[T]) insert(x T) int {
	n := d.len()
	if n == 0 || before(d.at(n-1), x) {
		d.items = append(d.items, x)
		return n
	}
	i := d.seek(x)
	d.items = slices.Insert(d.items, d.head+i, x)
	return i
}

// remove takes out the i-th.
func (d *list[T]) remove(i int) {
	if i < d.len()/2 {
		copy(d.items[d.head+1:d.head+i+1], d.items[d.head:d.head+i])
		d.pop()
		return
	}
	d.items = slices.Delete(d.items, d.head+i, d.head+i+1)
}

// pop takes out the first.
func (d *list[T]) pop() T {
	var none T
	x := d.items[d.head]
	d.items[d.head] = none // let it be collected
	d.head++
	if d.head > 1024 && d.head > len(d.items)/2 {
		d.items = append(d.items[:0:0], d.items[d.head:]...)
		d.head = 0
	}
	return x
}

// prepend puts older things, given youngest first, before all others.
func (d *list[T]) prepend(reversed []T) {
	n := len(reversed)
	if d.head < n {
		fresh := make([]T, n+len(d.items)-d.head)
		copy(fresh[n:], d.items[d.head:])
		d.items, d.head = fresh, n
	}
	for _, x := range reversed {
		d.head--
		d.items[d.head] = x
	}
}

// emptied drops everything and keeps room for n older things.
func (d *list[T]) emptied(n int) { d.items, d.head = make([]T, n), n }
