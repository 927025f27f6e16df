// Questions to the server that gave out this page. The token stands behind # of the address, which no server is sent.

const token = location.hash.slice(1);

async function ask(path, options = {}) {
  let response;
  try {
    response = await fetch(path, { ...options, headers: { "X-Edgehar-Token": token, ...options.headers } });
  } catch {
    throw Object.assign(new Error("har data label does not answer: it was ended, or this computer slept."), { status: 0 });
  }
  if (response.ok) return response;
  const said = await response.json().catch(() => ({}));
  throw Object.assign(new Error(said.error ?? `The server answered ${response.status}.`), { status: response.status });
}

export const recordings = async () => (await ask("/api/recordings")).json();

export const labels = async (recording) => (await ask(`/api/labels?recording=${recording}`)).json();

export async function signal(recording, start, stop, columns) {
  const query = new URLSearchParams({ recording, start, stop, columns });
  return new Float32Array(await (await ask(`/api/signal?${query}`)).arrayBuffer());
}

export async function save(recording, revision, intervals) {
  const options = {
    method: "PUT",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ revision, intervals }),
  };
  return (await ask(`/api/labels?recording=${recording}`, options)).json();
}

export const exported = async () => (await ask("/api/export")).blob();
