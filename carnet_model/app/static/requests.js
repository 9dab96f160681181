// What is asked of the app, and how its errors are said.

export class Refusal extends Error {
  constructor({ error, remedy }) {
    super(remedy ? `${error}\n${remedy}` : error);
  }
}

/** Ask, and return the response; throw what the app says against it. */
export const ask = async (address, options = {}) => {
  let response;
  try {
    response = await fetch(address, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refusal({ error: "the app does not answer", remedy: "is carnet app still running?" });
  }
  if (response.ok) return response;
  let said;
  try {
    said = await response.json();
  } catch {
    said = {};
  }
  throw new Refusal({
    error: said.error ?? `the app answered ${response.status}`,
    remedy: said.remedy ?? "try again in a few seconds",
  });
};

/** The fields of a request about a file. */
export const fields = (values) => {
  const form = new FormData();
  for (const [key, value] of Object.entries(values)) form.append(key, value);
  return { method: "POST", body: form };
};
