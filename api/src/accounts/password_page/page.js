// Sends the token of the letter and the password that was chosen to GraphQL.
"use strict";

const french = navigator.language.toLowerCase().startsWith("fr");
if (french) {
  document.documentElement.lang = "fr";
  for (const element of document.querySelectorAll("[data-fr]")) {
    element.textContent = element.dataset.fr;
  }
}

const form = document.querySelector("form");
const outcome = document.querySelector("[role=status]");
const token = new URLSearchParams(location.hash.slice(1)).get("token");

const say = (english, inFrench) => {
  outcome.textContent = french ? inFrench : english;
};

const [field, mutation] =
  location.pathname === "/join"
    ? ["signUp", "signUp(input: { invitation: $token, password: $password })"]
    : ["resetPassword", "resetPassword(input: { token: $token, password: $password })"];
const query =
  `mutation($token: String!, $password: String!) { ${mutation} { userErrors { code message } } }`;

const send = async (password) => {
  const answer = await fetch("/graphql", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ query, variables: { token, password } }),
  });
  const { data, errors } = await answer.json();
  return errors?.[0] ?? data[field].userErrors[0];
};

if (!token) {
  form.hidden = true;
  say(
    "The address is not whole: open it as it stands in the letter.",
    "L’adresse n’est pas complète : ouvrez-la telle qu’elle est dans la lettre.",
  );
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = form.querySelector("button");
  button.disabled = true;
  try {
    const error = await send(document.querySelector("#password").value);
    if (error) {
      const invalid = error.code === "TOKEN_INVALID";
      say(
        invalid ? "The letter is used up or too old: ask for another." : error.message,
        invalid ? "La lettre a déjà servi ou est trop ancienne : demandez-en une autre." : error.message,
      );
    } else {
      form.hidden = true;
      history.replaceState(null, "", location.pathname);
      say("Saved. You may sign in now.", "Enregistré. Vous pouvez vous connecter.");
    }
  } catch {
    say("No answer: try again in a moment.", "Pas de réponse : réessayez dans un instant.");
  } finally {
    button.disabled = false;
  }
});
