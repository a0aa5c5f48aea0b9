import java.util.ArrayList;
import java.util.List;

/** Allocates much that dies at once, keeps some, and never ends. An argument "hoard" keeps ever more. */
public class Garbage {
    static final class Parcel {
        final byte[] content = new byte[1024];
    }

    static final class Hoarded {
        final byte[] content = new byte[4096];
    }

    static final List<Object> kept = new ArrayList<>();

    public static void main(String[] arguments) throws Exception {
        boolean hoards = arguments.length > 0 && arguments[0].equals("hoard");
        for (int i = 0; i < 500; i++) {
            kept.add(new Parcel());
        }
        System.out.println("ready");
        long dead = 0;
        for (long round = 0; ; round++) {
            for (int i = 0; i < 2000; i++) {
                dead += new Parcel().content.length;
            }
            if (hoards) {
                for (int i = 0; i < 8; i++) {
                    kept.add(new Hoarded());
                }
            }
            Thread.sleep(5);
        }
    }
}
