// Labels each picture with the candidate that the browser took, whenever it takes another one.
document.addEventListener("load", ({target: image}) => {
  const figure = image.closest("figure");
  if (!image.currentSrc || !figure) return;
  const path = new URL(image.currentSrc).pathname;
  for (const {srcset} of figure.querySelectorAll("[srcset]")) {
    const [, rest] = srcset.split(`${path} `);
    if (rest) figure.dataset.chosen = `${rest.split(",")[0]} ${path.split(".").pop()}`;
  }
}, true);
