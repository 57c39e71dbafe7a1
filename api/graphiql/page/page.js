// GraphiQL on /graphql: requests over HTTP, subscriptions over a socket. What
// the Headers tab says goes with both, so a token needs to be pasted only once:
// {"Authorization": "Bearer …"}.
'use strict';

const endpoint = '/graphql';
const socketEndpoint = new URL(endpoint, location.href);
socketEndpoint.protocol = socketEndpoint.protocol.replace('http', 'ws');

// What the editor says of its document lags behind what is typed, so the text
// itself is asked: operations begin outside of all braces.
function isSubscription(query, operationName) {
  const text = query.replace(/"""[^]*?"""|"(?:\\.|[^"\\\n])*"|#.*/g, ' ');
  const operations = [];
  let depth = 0;
  const marks = /[{(]|[})]|\b(query|mutation|subscription|fragment)\b\s*(\w*)/g;
  for (const [mark, kind, name] of text.matchAll(marks)) {
    if (mark === '{' || mark === '(') depth += 1;
    else if (mark === '}' || mark === ')') depth -= 1;
    else if (depth === 0 && kind !== 'fragment') operations.push({ kind, name });
  }
  const operation = operations.find(({ name }) => name && name === operationName) ?? operations[0];
  return operation?.kind === 'subscription';
}

function subscribe(parameters, headers) {
  const client = graphqlWs.createClient({
    url: socketEndpoint.href,
    connectionParams: headers,
    lazyCloseTimeout: 0,
  });
  return client.iterate(parameters);
}

async function request(parameters, headers) {
  const response = await fetch(endpoint, {
    method: 'POST',
    credentials: 'omit',
    headers: {
      accept: 'application/graphql-response+json, application/json;q=0.9',
      'content-type': 'application/json',
      ...headers,
    },
    body: JSON.stringify(parameters),
  });
  return response.json();
}

function fetcher(parameters, options) {
  const headers = options?.headers ?? {};
  return isSubscription(parameters.query, parameters.operationName)
    ? subscribe(parameters, headers)
    : request(parameters, headers);
}

const welcome = `# GraphiQL on Greffe.
#
# Sign in with the mutation signIn, and put the token into the Headers tab below:
#
#   {"Authorization": "Bearer …"}

query {
  __typename
}
`;

ReactDOM.createRoot(document.getElementById('graphiql')).render(
  React.createElement(GraphiQL, {
    fetcher,
    defaultQuery: welcome,
    defaultEditorToolsVisibility: 'headers',
    isHeadersEditorEnabled: true,
    shouldPersistHeaders: false,
  }),
);
