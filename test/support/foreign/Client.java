import java.io.*;
import java.net.*;
import java.net.http.*;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.*;
import java.security.*;
import java.security.cert.CertificateFactory;
import java.time.Duration;
import java.util.*;
import java.util.concurrent.*;
import javax.net.ssl.*;

/**
 * Sends the requests that it is told on standard input, one per line:
 *
 *     <id> <client> <method> <url> [key=value ...]
 *
 * and prints one line of JSON for each, and one for each piece of a body with `pieces=1`. Clients: `java` (HttpClient as it
 * comes, which prefers HTTP/2), `java-1` (HttpClient with HTTP/1.1) and `url` (HttpURLConnection). Keys: body (bytes to
 * send), chunked, expect (100-continue), limit (ms), times (at once), keep (the name of a client that is used again), header,
 * buffered (HttpURLConnection keeps the body that it sends).
 * Trusts the authority in SSL_CERT_FILE.
 */
public class Client {
  private static final Map<String, HttpClient> kept = new ConcurrentHashMap<>();
  private static SSLContext trusting;

  public static void main(String[] args) throws Exception {
    trusting = trusting(Path.of(System.getenv("SSL_CERT_FILE")));
    HttpsURLConnection.setDefaultSSLSocketFactory(trusting.getSocketFactory());
    var pool = Executors.newCachedThreadPool((work) -> {
      var thread = new Thread(work);
      thread.setDaemon(true);
      return thread;
    });
    var lines = new BufferedReader(new InputStreamReader(System.in));
    for (var text = lines.readLine(); text != null; text = lines.readLine()) {
      var words = text.split(" ");
      var options = new HashMap<String, String>();
      for (var word : Arrays.asList(words).subList(4, words.length)) {
        var pair = word.split("=", 2);
        options.put(pair[0], pair[1]);
      }
      var client = words[1].equals("url") ? null : clientOf(words[1], options);
      for (int i = 0; i < Integer.parseInt(options.getOrDefault("times", "1")); i++)
        pool.execute(() -> {
          var line = new Line(words[0]);
          try {
            if (client == null) sendOld(line, words[2], words[3], options);
            else send(client, line, words[2], words[3], options);
          } catch (Throwable error) {
            line.failed(error);
          }
          line.print();
        });
    }
  }

  private static SSLContext trusting(Path file) throws Exception {
    var store = KeyStore.getInstance(KeyStore.getDefaultType());
    store.load(null, null);
    try (var in = Files.newInputStream(file)) {
      int count = 0;
      for (var one : CertificateFactory.getInstance("X.509").generateCertificates(in)) store.setCertificateEntry("mesh" + count++, one);
    }
    var managers = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    managers.init(store);
    var context = SSLContext.getInstance("TLS");
    context.init(null, managers.getTrustManagers(), null);
    return context;
  }

  private static HttpClient clientOf(String kind, Map<String, String> options) {
    var version = kind.equals("java") ? HttpClient.Version.HTTP_2 : HttpClient.Version.HTTP_1_1;
    var keep = options.get("keep");
    if (keep == null) return HttpClient.newBuilder().sslContext(trusting).version(version).build();
    return kept.computeIfAbsent(kind + keep, (name) -> HttpClient.newBuilder().sslContext(trusting).version(version).build());
  }

  private static void send(HttpClient client, Line line, String method, String url, Map<String, String> options) throws Throwable {
    var body = HttpRequest.BodyPublishers.noBody();
    if (options.containsKey("body")) {
      var bytes = bytesOf(options);
      body = options.containsKey("chunked")
        ? HttpRequest.BodyPublishers.ofInputStream(() -> new ByteArrayInputStream(bytes))
        : HttpRequest.BodyPublishers.ofByteArray(bytes);
    }
    var request = HttpRequest.newBuilder(URI.create(url)).method(method, body).expectContinue(options.containsKey("expect"));
    if (options.containsKey("header")) request.header(options.get("header").split(":")[0], options.get("header").split(":")[1]);
    var limitMs = Long.parseLong(options.getOrDefault("limit", "0"));
    // Its own limit is one for the headers, so that of the whole exchange is the caller's.
    if (limitMs > 0) request.timeout(Duration.ofMillis(limitMs));
    var exchange = client.sendAsync(request.build(), (info) -> {
      line.status = info.statusCode();
      line.protocol = info.version().toString();
      line.cookies = info.headers().allValues("set-cookie");
      line.length = info.headers().firstValueAsLong("content-length").orElse(-1);
      return new Reader(line, options.containsKey("pieces"));
    });
    try {
      if (limitMs > 0) exchange.get(limitMs + 500, TimeUnit.MILLISECONDS);
      else exchange.get();
    } catch (ExecutionException error) {
      throw error.getCause();
    } catch (TimeoutException error) {
      exchange.cancel(true);
      throw error;
    }
    line.whole = true;
  }

  /** Counts what comes while it comes, which the handlers that collect a body do not tell of one that breaks. */
  private static class Reader implements HttpResponse.BodySubscriber<Void> {
    private final CompletableFuture<Void> end = new CompletableFuture<>();
    private final Line line;
    private final boolean inPieces;

    Reader(Line line, boolean inPieces) {
      this.line = line;
      this.inPieces = inPieces;
    }

    public CompletionStage<Void> getBody() {
      return end;
    }

    public void onSubscribe(Flow.Subscription subscription) {
      subscription.request(Long.MAX_VALUE);
    }

    public void onNext(List<ByteBuffer> buffers) {
      for (var buffer : buffers) {
        var bytes = new byte[buffer.remaining()];
        buffer.get(bytes);
        line.read(bytes, bytes.length, inPieces);
      }
    }

    public void onError(Throwable error) {
      end.completeExceptionally(error);
    }

    public void onComplete() {
      end.complete(null);
    }
  }

  private static void sendOld(Line line, String method, String url, Map<String, String> options) throws Exception {
    var connection = (HttpURLConnection) new URL(url).openConnection();
    connection.setRequestMethod(method);
    connection.setInstanceFollowRedirects(false);
    connection.setReadTimeout(Integer.parseInt(options.getOrDefault("limit", "0")));
    if (!options.containsKey("keep")) connection.setRequestProperty("Connection", "close");
    if (options.containsKey("header")) connection.setRequestProperty(options.get("header").split(":")[0], options.get("header").split(":")[1]);
    if (options.containsKey("expect")) connection.setRequestProperty("Expect", "100-continue");
    if (options.containsKey("body")) {
      var bytes = bytesOf(options);
      connection.setDoOutput(true);
      if (options.containsKey("chunked")) connection.setChunkedStreamingMode(16_384);
      else if (!options.containsKey("buffered")) connection.setFixedLengthStreamingMode(bytes.length);
      try (var out = connection.getOutputStream()) {
        out.write(bytes);
      }
    }
    line.status = connection.getResponseCode();
    line.protocol = connection.getHeaderField(0).split(" ")[0];
    line.cookies = connection.getHeaderFields().entrySet().stream()
      .filter((field) -> "set-cookie".equalsIgnoreCase(field.getKey())).findFirst().map(Map.Entry::getValue).orElse(List.of());
    line.length = connection.getContentLengthLong();
    var in = line.status < 400 ? connection.getInputStream() : connection.getErrorStream();
    var buffer = new byte[65_536];
    if (in != null)
      try (in) {
        for (int count = in.read(buffer); count >= 0; count = in.read(buffer)) line.read(buffer, count, options.containsKey("pieces"));
      }
    line.whole = true;
  }

  private static byte[] bytesOf(Map<String, String> options) {
    var bytes = new byte[Integer.parseInt(options.get("body"))];
    Arrays.fill(bytes, (byte) 'x');
    return bytes;
  }

  /** What is told of one request. */
  private static class Line {
    private final String id;
    private final MessageDigest digest;
    int status;
    String protocol;
    List<String> cookies = List.of();
    long length = -1;
    boolean whole;
    private int bytes;
    private String error;
    private String message;

    Line(String id) {
      this.id = id;
      try {
        digest = MessageDigest.getInstance("SHA-256");
      } catch (NoSuchAlgorithmException impossible) {
        throw new IllegalStateException(impossible);
      }
    }

    void read(byte[] piece, int count, boolean told) {
      bytes += count;
      digest.update(piece, 0, count);
      if (told && count > 0) say("{\"id\":" + quoted(id) + ",\"piece\":" + quoted(new String(piece, 0, count, StandardCharsets.UTF_8)) + "}");
    }

    void failed(Throwable error) {
      this.error = error.getClass().getSimpleName();
      this.message = String.valueOf(error.getMessage()).replaceAll("127\\.0\\.0\\.1:\\d+", "<address>");
    }

    void print() {
      var fields = new StringJoiner(",", "{", "}").add("\"id\":" + quoted(id)).add("\"bytes\":" + bytes);
      if (status > 0) {
        var all = new StringJoiner(",", "[", "]");
        for (var cookie : cookies) all.add(quoted(cookie));
        fields.add("\"status\":" + status).add("\"protocol\":" + quoted(protocol)).add("\"length\":" + length);
        if (!cookies.isEmpty()) fields.add("\"cookies\":" + all);
      }
      if (whole) fields.add("\"sha256\":" + quoted(HexFormat.of().formatHex(digest.digest())));
      if (error != null) fields.add("\"error\":" + quoted(error)).add("\"message\":" + quoted(message));
      say(fields.toString());
    }
  }

  private static synchronized void say(String line) {
    System.out.println(line);
  }

  private static String quoted(String text) {
    var out = new StringBuilder("\"");
    for (char c : text.toCharArray())
      if (c == '"' || c == '\\') out.append('\\').append(c);
      else if (c < ' ' || c > '~') out.append(String.format("\\u%04x", (int) c));
      else out.append(c);
    return out.append('"').toString();
  }
}
