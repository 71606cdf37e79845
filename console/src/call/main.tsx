import { render } from 'preact';

render(<h1>Rabt</h1>, document.body);
