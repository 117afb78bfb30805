import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

import com.sun.management.OperatingSystemMXBean;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtSession;
import sparkvision.engine.ChannelLayout;
import sparkvision.engine.ImageDecoder;
import sparkvision.engine.ImageDecoder$;
import sparkvision.engine.ModelBundle;
import sparkvision.engine.PixelRows;
import sparkvision.engine.Preprocessor;

/**
 * Times the parts of labelling a picture for scripts/bench/large_pictures.py, on one thread. Arguments: a bundle and a folder of
 * pictures. A line in: decode, resize or run, then exact or fast, then how many pictures. A line out: nanoseconds of processor
 * time a picture, the JVM's own threads included.
 */
public class LargePictureRounds {
    /** As the engine runs batches on a CPU: see CpuRuns. */
    private static final int PICTURES_A_RUN = 2;
    private static final OperatingSystemMXBean PROCESS =
        ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class);
    private static final OrtEnvironment ENVIRONMENT = OrtEnvironment.getEnvironment();

    private final List<byte[]> pictures = new ArrayList<>();
    private final Preprocessor preprocessor;
    private final OrtSession session;
    private final FloatBuffer input;

    private LargePictureRounds(Path bundle, Path folder) throws Exception {
        try (var files = Files.list(folder)) {
            for (Path file : files.sorted().toList()) pictures.add(Files.readAllBytes(file));
        }
        var opened = ModelBundle.open(bundle);
        preprocessor = new Preprocessor(opened.processor(), ChannelLayout.ChannelsFirst$.MODULE$);
        var options = new OrtSession.SessionOptions();
        options.setIntraOpNumThreads(1);
        session = ENVIRONMENT.createSession(opened.graph().toString(), options);
        int bytes = 4 * PICTURES_A_RUN * 3 * preprocessor.height() * preprocessor.width();
        input = ByteBuffer.allocateDirect(bytes).order(ByteOrder.nativeOrder()).asFloatBuffer();
    }

    public static void main(String[] arguments) throws Exception {
        var rounds = new LargePictureRounds(Path.of(arguments[0]), Path.of(arguments[1]));
        var lines = new BufferedReader(new InputStreamReader(System.in));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            String[] words = line.split(" ");
            System.out.println(rounds.time(words[0], words[1], Integer.parseInt(words[2])));
        }
    }

    private long time(String part, String mode, int count) throws Exception {
        // Each part's work is what the part before gave: read before the clock starts.
        PixelRows decoded = decode(pictures.get(0), mode);
        long start = PROCESS.getProcessCpuTime();
        for (int i = 0; i < count; i++) {
            switch (part) {
                case "decode" -> decode(pictures.get(i % pictures.size()), mode);
                case "resize" -> preprocessor.process(decoded, input.clear());
                default -> { if (i % PICTURES_A_RUN == 0) run(); }
            }
        }
        return (PROCESS.getProcessCpuTime() - start) / count;
    }

    private PixelRows decode(byte[] picture, String mode) {
        return mode.equals("exact")
            ? ImageDecoder$.MODULE$.rows(picture, ImageDecoder.DefaultMaxPixels())
            : ImageDecoder$.MODULE$.draftRows(picture, ImageDecoder.DefaultMaxPixels(), preprocessor::target);
    }

    private void run() throws Exception {
        long[] shape = {PICTURES_A_RUN, 3, preprocessor.height(), preprocessor.width()};
        try (var tensor = OnnxTensor.createTensor(ENVIRONMENT, input.clear(), shape);
             var result = session.run(Map.of(session.getInputNames().iterator().next(), tensor))) {
            ((OnnxTensor) result.get(0)).getFloatBuffer();
        }
    }
}
