/* File fields: a drop area that names what was chosen, and photos made small before they travel. */
const LONGEST_SIDE = 1600;
const LARGEST_BYTES = 300 * 1024;

function names(input) {
  const output = input.closest("[data-drop]")?.querySelector("output");
  if (output) output.textContent = [...input.files].map((file) => file.name).join(", ");
}

function encode(canvas, quality) {
  return new Promise((done) => canvas.toBlob(done, "image/jpeg", quality));
}

/* A photo of at most 1600 px and 300 KB; the original when the browser cannot read it or it is small. */
export async function smaller(file) {
  const picture = await createImageBitmap(file).catch(() => null);
  if (!picture) return file;
  const scale = Math.min(1, LONGEST_SIDE / Math.max(picture.width, picture.height));
  if (scale === 1 && file.size <= LARGEST_BYTES) return file;
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(picture.width * scale);
  canvas.height = Math.round(picture.height * scale);
  canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
  let blob = null;
  for (const quality of [0.82, 0.65, 0.5, 0.35]) {
    blob = await encode(canvas, quality);
    if (blob && blob.size <= LARGEST_BYTES) break;
  }
  return blob ? new File([blob], file.name.replace(/\.\w+$/, "") + ".jpg", { type: "image/jpeg" }) : file;
}

async function shrink(input) {
  const box = new DataTransfer();
  for (const file of input.files) box.items.add(file.type.startsWith("image/") ? await smaller(file) : file);
  input.files = box.files;
}

function watch(input) {
  input.addEventListener("change", async () => {
    names(input);
    if (input.matches("[data-photo]")) await shrink(input);
  });
  const area = input.closest("[data-drop]");
  if (!area) return;
  for (const kind of ["dragenter", "dragover"]) area.addEventListener(kind, () => area.classList.add("over"));
  for (const kind of ["dragleave", "drop"]) area.addEventListener(kind, () => area.classList.remove("over"));
}

export function watchDrops(root) {
  root.querySelectorAll('[data-drop] input[type="file"], input[data-photo]').forEach(watch);
}
