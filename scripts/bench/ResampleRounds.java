import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.Random;

import sparkvision.image.Pixels;
import sparkvision.image.resample.Resample;
import sparkvision.image.resample.ResampleFilter;

/** Times the engine's resize for scripts/bench/resample.py: a case a line in, nanoseconds of processor time a line out. */
public class ResampleRounds {
    public static void main(String[] arguments) throws Exception {
        var clock = java.lang.management.ManagementFactory.getThreadMXBean();
        var cases = new BufferedReader(new InputStreamReader(System.in));
        for (String line = cases.readLine(); line != null; line = cases.readLine()) {
            var numbers = java.util.Arrays.stream(line.split(" ")).mapToInt(Integer::parseInt).toArray();
            int width = numbers[0], height = numbers[1], toWidth = numbers[2], toHeight = numbers[3];
            var filter = ResampleFilter.byId(numbers[4]);
            byte[] rgb = new byte[width * height * 3];
            new Random(1).nextBytes(rgb);
            var pixels = new Pixels(width, height, rgb);
            long start = clock.getCurrentThreadCpuTime();
            for (int round = 0; round < numbers[5]; round++) Resample.resize(pixels, toWidth, toHeight, filter);
            System.out.println((clock.getCurrentThreadCpuTime() - start) / numbers[5]);
        }
    }
}
