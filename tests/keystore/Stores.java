import java.io.*;
import java.nio.charset.StandardCharsets;
import java.security.*;
import java.security.cert.*;
import java.security.cert.Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.*;

/**
 * Java's own key stores, many in one run. Each line of stdin is a job, its fields separated by tabs:
 * `read TYPE PATH PASSWORD` prints each entry as PATH, ALIAS, PRIVATE KEY, CERTIFICATES (hexadecimal, by commas) and
 * DATE (milliseconds), or PATH, `refused` and why; `write TYPE PATH PASSWORD ALIAS ALGORITHM KEY CERTIFICATES LEGACY` makes a key store of one
 * key, or, without a key, of the certificates alone.
 */
class Stores {
    public static void main(String[] none) throws Exception {
        PrintStream out = new PrintStream(new FileOutputStream(FileDescriptor.out), true, "UTF-8");
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line; (line = in.readLine()) != null;) {
            String[] job = line.split("\t", -1);
            if (job[0].equals("write")) {
                write(job);
                continue;
            }
            try {
                read(job, out);
            } catch (Exception refusal) {
                out.println(job[2] + "\trefused\t" + refusal + "\t");
            }
        }
    }

    static void read(String[] job, PrintStream out) throws Exception {
        char[] password = job[3].toCharArray();
        KeyStore store = KeyStore.getInstance(job[1]);
        try (InputStream in = new FileInputStream(job[2])) {
            store.load(in, password);
        }
        for (String alias : Collections.list(store.aliases())) {
            Key key = store.getKey(alias, password);
            List<String> chain = new ArrayList<>();
            Certificate[] found = store.getCertificateChain(alias);
            for (Certificate certificate : found != null ? found : new Certificate[] {store.getCertificate(alias)}) {
                chain.add(HexFormat.of().formatHex(certificate.getEncoded()));
            }
            String hex = key == null ? "" : HexFormat.of().formatHex(key.getEncoded());
            // PKCS#12 has no dates; Java makes some up.
            long created = job[1].equals("JKS") ? store.getCreationDate(alias).getTime() : 0;
            out.println(job[2] + "\t" + alias + "\t" + hex + "\t" + String.join(",", chain) + "\t" + created);
        }
    }

    static void write(String[] job) throws Exception {
        if (job[8].isEmpty()) {
            System.clearProperty("keystore.pkcs12.legacy");
        } else {
            System.setProperty("keystore.pkcs12.legacy", "");
        }
        char[] password = job[3].toCharArray();
        KeyStore store = KeyStore.getInstance(job[1]);
        store.load(null, password);
        CertificateFactory factory = CertificateFactory.getInstance("X.509");
        List<Certificate> chain = new ArrayList<>();
        for (String hex : job[7].split(",")) {
            chain.add(factory.generateCertificate(new ByteArrayInputStream(HexFormat.of().parseHex(hex))));
        }
        if (job[6].isEmpty()) {
            for (int index = 0; index < chain.size(); index++) {
                store.setCertificateEntry(job[4] + index, chain.get(index));
            }
        } else {
            PKCS8EncodedKeySpec spec = new PKCS8EncodedKeySpec(HexFormat.of().parseHex(job[6]));
            PrivateKey key = KeyFactory.getInstance(job[5]).generatePrivate(spec);
            store.setKeyEntry(job[4], key, password, chain.toArray(new Certificate[0]));
        }
        try (OutputStream to = new FileOutputStream(job[2])) {
            store.store(to, password);
        }
    }
}
