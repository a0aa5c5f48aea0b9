import java.util.concurrent.locks.ReentrantLock;

/** Two circles: of monitors, and of java.util.concurrent's locks. One thread has a name made to confuse. */
public class Deadlock {
    static final Object LEFT = new Object();
    static final Object RIGHT = new Object();
    static final Object IDLE = new Object();
    static final ReentrantLock NORTH = new ReentrantLock();
    static final ReentrantLock SOUTH = new ReentrantLock();

    static void nap() {
        try {
            Thread.sleep(200);
        } catch (InterruptedException ignored) {
        }
    }

    static void both(Object first, Object second) {
        synchronized (first) {
            nap();
            synchronized (second) {
                System.out.println("never");
            }
        }
    }

    static void lockBoth(ReentrantLock first, ReentrantLock second) {
        first.lock();
        nap();
        second.lock();
    }

    static void waitForever() {
        synchronized (IDLE) {
            try {
                IDLE.wait();
            } catch (InterruptedException ignored) {
            }
        }
    }

    public static void main(String[] arguments) throws Exception {
        new Thread(() -> both(LEFT, RIGHT), "left").start();
        new Thread(() -> both(RIGHT, LEFT), "right").start();
        new Thread(() -> lockBoth(NORTH, SOUTH), "north").start();
        new Thread(() -> lockBoth(SOUTH, NORTH), "south \"quoted\"").start();
        Thread waiter = new Thread(Deadlock::waitForever, "evil\n\"fake\" #99 prio=5 tid=0x1 nid=0x1 runnable");
        waiter.setDaemon(true);
        waiter.start();
        Thread.sleep(600);
        System.out.println("ready");
        Thread.sleep(1_000_000_000L);
    }
}
