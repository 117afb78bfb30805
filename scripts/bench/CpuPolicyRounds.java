import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;

import com.sun.management.OperatingSystemMXBean;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;

/**
 * Times ONNX Runtime for scripts/bench/cpu_policy.py. A line in: the model, callers, threads a run, pictures a run, pictures in
 * all, and session settings as key=value. A line out: nanoseconds on the clock, and of all cores together. Each line has a
 * session of its own.
 */
public class CpuPolicyRounds {
    private static final int SIDE = 224;
    private static final OperatingSystemMXBean PROCESS =
        ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class);
    private static final OrtEnvironment ENVIRONMENT = OrtEnvironment.getEnvironment();

    public static void main(String[] arguments) throws Exception {
        var lines = new BufferedReader(new InputStreamReader(System.in));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            String[] words = line.split(" ");
            int callers = Integer.parseInt(words[1]), threads = Integer.parseInt(words[2]);
            int atOnce = Integer.parseInt(words[3]), pictures = Integer.parseInt(words[4]);
            try (var options = options(threads, words); var session = ENVIRONMENT.createSession(words[0], options)) {
                time(session, callers, atOnce, callers * atOnce);
                System.out.println(time(session, callers, atOnce, pictures));
            }
        }
    }

    private static OrtSession.SessionOptions options(int threads, String[] words) throws OrtException {
        var options = new OrtSession.SessionOptions();
        options.setIntraOpNumThreads(threads);
        for (int i = 5; i < words.length; i++) {
            String[] setting = words[i].split("=");
            switch (setting[0]) {
                case "arena" -> options.setCPUArenaAllocator(setting[1].equals("1"));
                case "memory_pattern" -> options.setMemoryPatternOptimization(setting[1].equals("1"));
                default -> options.addConfigEntry(setting[0], setting[1]);
            }
        }
        return options;
    }

    /** Callers share the pictures: who is done with a run takes the next. */
    private static String time(OrtSession session, int callers, int atOnce, int pictures) throws Exception {
        var left = new AtomicInteger(pictures);
        var tasks = new ArrayList<Callable<Void>>();
        for (int caller = 0; caller < callers; caller++) tasks.add(() -> {
            FloatBuffer input = randomPictures(atOnce);
            for (int mine = left.getAndAdd(-atOnce); mine > 0; mine = left.getAndAdd(-atOnce)) {
                long[] shape = {Math.min(atOnce, mine), 3, SIDE, SIDE};
                var window = input.duplicate().limit((int) shape[0] * 3 * SIDE * SIDE);
                try (var tensor = OnnxTensor.createTensor(ENVIRONMENT, window, shape);
                     var result = session.run(Map.of(session.getInputNames().iterator().next(), tensor))) {
                    ((OnnxTensor) result.get(0)).getFloatBuffer();
                }
            }
            return null;
        });
        var pool = Executors.newFixedThreadPool(callers);
        try {
            long start = System.nanoTime(), startOnCores = PROCESS.getProcessCpuTime();
            for (var done : pool.invokeAll(tasks)) done.get();
            return (System.nanoTime() - start) + " " + (PROCESS.getProcessCpuTime() - startOnCores);
        } finally {
            pool.shutdown();
        }
    }

    private static FloatBuffer randomPictures(int count) {
        int floats = count * 3 * SIDE * SIDE;
        var buffer = ByteBuffer.allocateDirect(4 * floats).order(ByteOrder.nativeOrder()).asFloatBuffer();
        var random = new Random(1);
        for (int i = 0; i < floats; i++) buffer.put(i, random.nextFloat() * 2 - 1);
        return buffer;
    }
}
