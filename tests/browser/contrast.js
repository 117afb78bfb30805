// The contrast of every text on the page with its ground, as WCAG 2.2 defines it: {text: ratio}.
const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });

/** Red, green, blue and alpha, 0 to 255, of any CSS colour laid over a ground. */
function over(ground, colour) {
  canvas.fillStyle = `rgb(${ground.join(",")})`;
  canvas.fillRect(0, 0, 1, 1);
  canvas.fillStyle = colour;
  canvas.fillRect(0, 0, 1, 1);
  return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
}

function groundOf(element) {
  const ground = element.parentElement ? groundOf(element.parentElement) : [255, 255, 255];
  return over(ground, getComputedStyle(element).backgroundColor);
}

function luminance(colour) {
  const linear = colour.map((part) => part / 255).map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
  return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
}

function contrast(element) {
  const ground = groundOf(element);
  const [dark, light] = [ground, over(ground, getComputedStyle(element).color)].map(luminance).sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}

const found = {};
const walker = document.createTreeWalker(document.querySelector("main"), NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const element = walker.currentNode.parentElement;
  // A button that cannot be pressed need not stand out.
  if (!walker.currentNode.textContent.trim() || element.closest("[hidden], noscript, option, button:disabled")) continue;
  found[`${element.tagName}.${element.className} ${walker.currentNode.textContent.trim().slice(0, 20)}`] = contrast(element);
}
return found;
