// Sends the requests that it is told on standard input, one per line:
//
//	<id> <client> <method> <url> [key=value ...]
//
// and prints one line of JSON for each, and one for each piece of a body with `pieces=1`. Clients: `go` (HTTP/1.1 only) and
// `go-h2` (by ALPN). Keys: body (bytes to send), chunked, expect (100-continue), limit (ms), times (at once), keep (the
// name of a client that is used again), header.
package main

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
)

type answer struct {
	Id        string   `json:"id"`
	Piece     string   `json:"piece,omitempty"`
	Status    int      `json:"status,omitempty"`
	Protocol  string   `json:"protocol,omitempty"`
	Bytes     int      `json:"bytes"`
	Sha256    string   `json:"sha256,omitempty"`
	Length    *int64   `json:"length,omitempty"`
	Cookies   []string `json:"cookies,omitempty"`
	Reused    bool     `json:"reused,omitempty"`
	Continued bool     `json:"continued,omitempty"`
	Error     string   `json:"error,omitempty"`
	Message   string   `json:"message,omitempty"`
}

var printing sync.Mutex

func printed(line answer) {
	text, _ := json.Marshal(line)
	printing.Lock()
	defer printing.Unlock()
	fmt.Println(string(text))
}

var addresses = regexp.MustCompile(`(127\.0\.0\.1|\[::1\]):\d+(->127\.0\.0\.1:\d+)?`)

func failed(line *answer, err error) {
	if outer, ok := err.(*url.Error); ok {
		err = outer.Err
	}
	line.Error = fmt.Sprintf("%T", err)
	line.Message = addresses.ReplaceAllString(err.Error(), "<address>")
}

var kept sync.Map

func clientOf(kind string, options map[string]string) *http.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.ExpectContinueTimeout = 30 * time.Second
	transport.MaxIdleConnsPerHost = 100
	if kind == "go" {
		// A clone has learned of HTTP/2 already, and would go on offering it.
		transport.TLSClientConfig = nil
		transport.TLSNextProto = map[string]func(string, *tls.Conn) http.RoundTripper{}
		transport.ForceAttemptHTTP2 = false
	}
	limit, _ := strconv.Atoi(options["limit"])
	client := &http.Client{
		Transport:     transport,
		Timeout:       time.Duration(limit) * time.Millisecond,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	if options["keep"] == "" {
		return client
	}
	known, _ := kept.LoadOrStore(kind+options["keep"], client)
	return known.(*http.Client)
}

// Hides the length of what it reads, which makes the client send chunks.
type unknownLength struct{ io.Reader }

func send(client *http.Client, id, method, to string, options map[string]string) answer {
	line := answer{Id: id}
	var body io.Reader
	if count, err := strconv.Atoi(options["body"]); err == nil {
		body = bytes.NewReader(bytes.Repeat([]byte("x"), count))
		if options["chunked"] != "" {
			body = unknownLength{body}
		}
	}
	request, err := http.NewRequest(method, to, body)
	if err != nil {
		failed(&line, err)
		return line
	}
	if options["expect"] != "" {
		request.Header.Set("Expect", "100-continue")
	}
	if name, value, ok := strings.Cut(options["header"], ":"); ok {
		request.Header.Set(name, value)
	}
	request = request.WithContext(httptrace.WithClientTrace(request.Context(), &httptrace.ClientTrace{
		GotConn:        func(got httptrace.GotConnInfo) { line.Reused = got.Reused },
		Got100Continue: func() { line.Continued = true },
		Got1xxResponse: func(int, textproto.MIMEHeader) error { return nil },
	}))
	response, err := client.Do(request)
	if err != nil {
		failed(&line, err)
		return line
	}
	defer response.Body.Close()
	line.Status, line.Protocol, line.Cookies = response.StatusCode, response.Proto, response.Header["Set-Cookie"]
	line.Length = &response.ContentLength
	hash := sha256.New()
	buffer := make([]byte, 65536)
	for {
		count, err := response.Body.Read(buffer)
		line.Bytes += count
		hash.Write(buffer[:count])
		if count > 0 && options["pieces"] != "" {
			printed(answer{Id: id, Piece: string(buffer[:count])})
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			failed(&line, err)
			return line
		}
	}
	line.Sha256 = fmt.Sprintf("%x", hash.Sum(nil))
	return line
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		words := strings.Fields(lines.Text())
		options := map[string]string{}
		for _, word := range words[4:] {
			key, value, _ := strings.Cut(word, "=")
			options[key] = value
		}
		client := clientOf(words[1], options)
		times := 1
		if count, err := strconv.Atoi(options["times"]); err == nil {
			times = count
		}
		for i := 0; i < times; i++ {
			go func() {
				line := send(client, words[0], words[2], words[3], options)
				if options["keep"] == "" && times == 1 {
					client.CloseIdleConnections()
				}
				printed(line)
			}()
		}
	}
}
