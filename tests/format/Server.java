import java.io.*;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.*;
import java.security.KeyStore;
import javax.net.ssl.*;

/**
 * A TLS server for each key store: the arguments are TYPE, PATH and the file with its password, as often as there are key
 * stores. Prints the port of each on a line of its own, then serves until its stdin ends.
 */
class Server {
    public static void main(String[] stores) throws Exception {
        for (int at = 0; at + 2 < stores.length; at += 3) {
            byte[] line = Files.readAllBytes(Path.of(stores[at + 2]));
            char[] password = new String(line, StandardCharsets.UTF_8).trim().toCharArray();
            KeyStore store = KeyStore.getInstance(stores[at]);
            try (InputStream in = new FileInputStream(stores[at + 1])) {
                store.load(in, password);
            }
            KeyManagerFactory keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
            keys.init(store, password);
            SSLContext context = SSLContext.getInstance("TLS");
            context.init(keys.getKeyManagers(), null, null);
            InetAddress loopback = InetAddress.getLoopbackAddress();
            SSLServerSocket server =
                (SSLServerSocket) context.getServerSocketFactory().createServerSocket(0, 16, loopback);
            Thread thread = new Thread(() -> serve(server));
            thread.setDaemon(true);
            thread.start();
            System.out.println(server.getLocalPort());
        }
        System.out.flush();
        while (System.in.read() >= 0) {
        }
    }

    static void serve(SSLServerSocket server) {
        while (true) {
            try (SSLSocket client = (SSLSocket) server.accept()) {
                client.getOutputStream().write("served\n".getBytes(StandardCharsets.US_ASCII));
            } catch (IOException gone) {
                // The next client.
            }
        }
    }
}
