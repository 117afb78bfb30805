package sparkvision.image.preprocess;

import java.nio.file.Files;
import java.nio.file.Path;

/** A Java program that preprocesses images as the documentation of ImagePreprocessor shows. */
public final class ImagePreprocessorFromJava {
  private ImagePreprocessorFromJava() {}

  /** The values of an image file. */
  public static float[] values(Path processor, Path image) throws Exception {
    ImagePreprocessor preprocessor = ImagePreprocessor.load(processor);
    return preprocessor.preprocess(Files.readAllBytes(image));
  }

  /** The shape of every image's values. */
  public static long[] shape(String json) {
    return ImagePreprocessor.fromJson(json).shape();
  }

  /** Height and width of one image's values. */
  public static int[] size(String json, Path image) throws Exception {
    ImageTensor tensor = ImagePreprocessor.fromJson(json).tensor(Files.readAllBytes(image));
    return new int[] {tensor.height(), tensor.width()};
  }
}
